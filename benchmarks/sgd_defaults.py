"""The defaults of sgd on data that they were not made for: `python benchmarks/sgd_defaults.py [--set KEY=VALUE …]`.

rmse of biases alone, and that of the dot product, SVD++ and flipped SVD++ by sgd as multiples of it: means over the
seeds. Everything is left at its default but what --set says, as --set bias_damping=0 bias_weight_decay=0.04. The
environment variable RECSYS_ML100K adds MovieLens 100K, whole and thinned out; the synthetic sets are valid and test of
`synthetic.py`.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import yaml

from measure import command_line
from recsys.config.schema.split import Split
from recsys.data.interactions import Dataset, Interactions
from recsys.data.split import Splits, split
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from synthetic import dense_world, synthetic
from synthetic_datasets import fitted, synthetic_datasets

MAY_COST = 0.003  # how much worse than biases alone
SYNTHETIC = {"synthetic, 300,000 ratings": 300_000, "synthetic, 1M ratings": 1_000_000}
MODELS: dict[str, dict[str, Any]] = {
    "dot product": {"kind": "dot_product"},
    "svdpp": {"kind": "svdpp", "flipped": False},
    "svdpp, flipped": {"kind": "svdpp"},
}


def main() -> None:
    """Prints a table as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--part", choices=["valid", "test"], default="valid", help="what is measured on")
    parser.add_argument("--only", nargs="+", default=[""], help="data sets whose name has one of these in it")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--dim", type=int, help="embedding_dim")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="keys of the training section")
    given = parser.parse_args()
    training = {key: yaml.safe_load(value) for key, value in (setting.split("=", 1) for setting in given.set)}
    dim = {} if given.dim is None else {"embedding_dim": given.dim}
    makes = {name: data.make for name, data in synthetic_datasets().items()}
    makes |= {name: partial(_synthetic, n_ratings) for name, n_ratings in SYNTHETIC.items()}
    print(f"| data | biases | {' | '.join(given.models)} | |\n|{' --- |' * (len(given.models) + 3)}")
    for name, make in makes.items():
        if not any(part in name for part in given.only):
            continue
        rows = [
            measure(make(seed), given.part, {model: {**MODELS[model], **dim} for model in given.models}, training, seed)
            for seed in given.seeds
        ]
        biases, *others = (statistics.mean(column) for column in zip(*rows, strict=True))
        figures = f"{biases:.{4 if biases < 10 else 2}f} | {' | '.join(f'{rmse:.4f}' for rmse in others)}"
        print(f"| {name} | {figures} | {'ok' if max(others) <= 1 + MAY_COST else 'worse than biases'} |", flush=True)


def measure(
    splits: Splits, part: str, models: dict[str, dict[str, Any]], training: dict[str, Any], seed: int
) -> list[float]:
    """The rmse of biases alone, and that of each model as a multiple of it."""
    held_out = splits.test if part == "test" else splits.valid
    assert held_out is not None
    biases = evaluate(baselines.biases(splits.train), held_out).metrics["rmse"]
    training = {"method": "sgd", **training}
    return [biases, *(fitted(splits, held_out, model, training, seed) / biases for model in models.values())]


def _synthetic(n_ratings: int, seed: int) -> Splits:
    """The training ratings of a world of `synthetic.py`, split; its own test part stays unseen."""
    world = replace(dense_world(n_ratings), seed=seed)
    train = synthetic(world).train
    users, items = (Vocabulary(np.arange(n)) for n in (world.n_users, world.n_items))
    ratings = Interactions(train.user, train.item, train.rating, None, users, items)
    return split(Dataset(ratings, None), Split(), seed)


if __name__ == "__main__":
    main()
