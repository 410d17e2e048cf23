"""SVD++ by sgd on the five folds of ML-100K: `RECSYS_ML100K=FOLDER python benchmarks/svdpp.py [--gibbs]`.

python benchmarks/svdpp.py --rates 0.018 0.03     on valid of the sets of worlds.py, against the dot product
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import recsys
from recsys.config.load import config_from
from recsys.data.split import Parts
from recsys.evaluation.metrics import evaluate
from recsys.training.build import build_learner
from recsys.training.fit import fit
from worlds import worlds

FOLDS = (1, 2, 3, 4, 5)
SGD: list[dict[str, Any]] = [{"kind": "dot_product", "embedding_dim": dim} for dim in (20, 64, 128)] + [
    {"kind": "svdpp", "flipped": flipped, "embedding_dim": dim} for flipped in (False, True) for dim in (20, 64, 128)
]
GIBBS: dict[str, Any] = {"kind": "svdpp", "embedding_dim": 20}


def main() -> None:
    """Prints a table as markdown: means over the folds, everything but the model by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gibbs", action="store_true", help="flipped SVD++ by Gibbs sampling too")
    parser.add_argument("--rates", type=float, nargs="+", help="lr_max of the flipped form, on the sets of worlds.py")
    folder = os.environ.get("RECSYS_ML100K")
    given = parser.parse_args()
    if given.rates:
        compare_rates(given.rates)
        return
    if not folder:
        sys.exit("the environment variable RECSYS_ML100K has to name a folder with u1.train.csv … u5.test.csv")
    print("| model | method | dim | rmse | mae | seconds a fit |\n| --- | --- | --- | --- | --- | --- |")
    for model, method in [*((model, "sgd") for model in SGD), *([(GIBBS, "gibbs")] if given.gibbs else [])]:
        found = [fold(model, method, Path(folder), number) for number in FOLDS]
        rmse, mae = (statistics.mean(one["test"][key] for one in found) for key in ("rmse", "mae"))
        seconds = statistics.median(one["fit_seconds"] for one in found)
        name = f"{model['kind']}{', flipped' if model.get('flipped', model is GIBBS) else ''}"
        print(f"| {name} | {method} | {model['embedding_dim']} | {rmse:.4f} | {mae:.4f} | {seconds:.2f} |", flush=True)


def compare_rates(rates: list[float]) -> None:
    """Prints the valid rmse at each rate as a multiple of that of the default dot product, mean of seeds 1 and 2."""
    print(f"| data | {' | '.join(map(str, rates))} |\n|{' --- |' * (len(rates) + 1)}")
    for name, data in worlds().items():
        parts = [data.make(seed) for seed in (1, 2)]
        plain = statistics.mean(on_valid(one, {"kind": "dot_product"}, {}) for one in parts)
        found = [statistics.mean(on_valid(one, GIBBS, {"lr_max": rate}) for one in parts) for rate in rates]
        print(f"| {name} | {' | '.join(f'{rmse / plain:.3f}' for rmse in found)} |", flush=True)


def on_valid(parts: Parts, model: dict[str, Any], training: dict[str, Any]) -> float:
    """The valid rmse of a fit by sgd."""
    values = {"data": {"ratings": "made here"}, "model": model, "training": {"method": "sgd", **training}}
    learner = build_learner(config_from(values, Path()), parts)
    for _ in fit(learner):
        pass
    assert parts.valid is not None
    return evaluate(learner.scorer(), parts.valid).rmse


def fold(model: dict[str, Any], method: str, folder: Path, number: int) -> dict[str, Any]:
    """The metrics of a run on a fold, nothing held out for valid, that is thrown away."""
    values = {
        "data": {"train": f"u{number}.train.csv", "test": f"u{number}.test.csv"},
        "split": {"valid_fraction": 0},
        "model": model,
        "training": {"method": method},
    }
    with tempfile.TemporaryDirectory() as run:
        return recsys.train(config_from(values, folder), Path(run) / "run")


if __name__ == "__main__":
    main()
