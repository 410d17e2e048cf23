"""SVD++ by sgd on the five folds of ML-100K: `RECSYS_ML100K=FOLDER python benchmarks/svdpp.py [--gibbs]`."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import recsys
from recsys.config.loading.load import config_from

FOLDS = (1, 2, 3, 4, 5)
SGD: list[dict[str, Any]] = [{"kind": "dot_product", "embedding_dim": dim} for dim in (20, 64, 128)] + [
    {"kind": "svdpp", "flipped": flipped, "embedding_dim": dim} for flipped in (False, True) for dim in (20, 64, 128)
]
GIBBS: dict[str, Any] = {"kind": "svdpp", "embedding_dim": 20}


def main() -> None:
    """Prints a table as markdown: means over the folds, everything but the model by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gibbs", action="store_true", help="flipped SVD++ by Gibbs sampling too")
    folder = os.environ.get("RECSYS_ML100K")
    given = parser.parse_args()
    if not folder:
        sys.exit("the environment variable RECSYS_ML100K has to name a folder with u1.train.csv … u5.test.csv")
    print("| model | method | dim | rmse | mae | seconds a fit |\n| --- | --- | --- | --- | --- | --- |")
    for model, method in [*((model, "sgd") for model in SGD), *([(GIBBS, "gibbs")] if given.gibbs else [])]:
        results = [fold(model, method, Path(folder), number) for number in FOLDS]
        rmse, mae = (statistics.mean(result["test"][key] for result in results) for key in ("rmse", "mae"))
        seconds = statistics.median(result["fit_seconds"] for result in results)
        name = f"{model['kind']}{', flipped' if model.get('flipped', model is GIBBS) else ''}"
        print(f"| {name} | {method} | {model['embedding_dim']} | {rmse:.4f} | {mae:.4f} | {seconds:.2f} |", flush=True)


def fold(model: dict[str, Any], method: str, folder: Path, number: int) -> Any:
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
