"""Defaults on data that they were not made for: `python benchmarks/defaults.py`.

Test rmse of the dot product by sgd and by gibbs, and of flipped SVD++ by sgd and by gibbs at several dims, all else
left at its default. Says where flipped gibbs is worse than a dot product, or dim 32 worse than dim 4, by more than is
allowed. The environment variable RECSYS_ML100K adds MovieLens 100K, whole and thinned out.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from measure import command_line
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from synthetic_datasets import fitted, synthetic_datasets

DIMS = (4, 8, 20, 32)
MAY_COST = 0.002  # how much worse flipped gibbs may be than a dot product
PLAIN: dict[str, Any] = {"kind": "dot_product"}
FLIPPED: dict[str, Any] = {"kind": "svdpp", "flipped": True}
MODELS = {
    "dot product, sgd": (PLAIN, "sgd"),
    "dot product, gibbs": (PLAIN, "gibbs"),
    "flipped, sgd": (FLIPPED, "sgd"),
    **{f"flipped, gibbs, {dim}": ({**FLIPPED, "embedding_dim": dim}, "gibbs") for dim in DIMS},
}
DEFAULT = "flipped, gibbs, 20"


def main() -> None:
    """Prints a table as markdown: means over the seeds."""
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--part", choices=["valid", "test"], default="test", help="what is measured on")
    parser.add_argument("--sweeps", type=int, default=512, help="fewer to look around")
    parser.add_argument("--only", nargs="+", default=[""], help="data sets whose name has one of these in it")
    given = parser.parse_args()
    print(f"| data | biases | {' | '.join(MODELS)} | |\n|{' --- |' * (len(MODELS) + 3)}")
    for name, data in synthetic_datasets().items():
        if any(part in name for part in given.only):
            results = [measure(data.make(seed), given.part, given.sweeps, seed) for seed in given.seeds]
            mean = {model: statistics.mean(result[model] for result in results) for model in results[0]}
            digits = 4 if mean["biases"] < 10 else 2
            figures = " | ".join(f"{rmse:.{digits}f}" for rmse in mean.values())
            print(f"| {name} | {figures} | {verdict(mean, data.dims_may_cost)} |", flush=True)


def measure(splits: Splits, part: str, sweeps: int, seed: int) -> dict[str, float]:
    """The rmse of each model on a part."""
    held_out = splits.test if part == "test" else splits.valid
    assert held_out is not None
    rmse = {"biases": evaluate(baselines.biases(splits.train), held_out).metrics["rmse"]}
    return rmse | {name: _fitted(splits, held_out, model, sweeps, seed) for name, model in MODELS.items()}


def verdict(rmse: Mapping[str, float], dims_may_cost: float) -> str:
    """What is worse than it may be, with by how much; "ok" where nothing is."""
    peers = [peer for peer in ("dot product, sgd", "dot product, gibbs") if rmse[DEFAULT] > (1 + MAY_COST) * rmse[peer]]
    wrong = [f"{rmse[DEFAULT] / rmse[peer] - 1:+.1%} against {peer}" for peer in peers]
    small, large = (rmse[f"flipped, gibbs, {dim}"] for dim in (4, 32))
    if large > (1 + dims_may_cost) * small:
        wrong.append(f"{large / small - 1:+.1%} from dim 4 to 32")
    return "; ".join(wrong) or "ok"


def _fitted(splits: Splits, held_out: Interactions, model: tuple[dict[str, Any], str], sweeps: int, seed: int) -> float:
    form, method = model
    training = {"method": method, "n_threads": 1, **({"n_epochs": sweeps} if method == "gibbs" else {})}
    return fitted(splits, held_out, form, training, seed)


if __name__ == "__main__":
    main()
