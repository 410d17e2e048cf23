"""The accuracy figures of the README and docs/splits.md: `python benchmarks/accuracy.py`.

ML-100K is used where the environment variable RECSYS_ML100K names a folder with its folds u1 … u5.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import recsys
from recsys.config.loading.load import load_config

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
SMALL = CONFIGS / "movielens-small.yaml"
MOST = CONFIGS / "most-accurate.yaml"
LESSON = CONFIGS / "fastai-lesson.yaml"
DRIFT = "model.user_drift=true"
OF_FOLDS = {
    "sgd": CONFIGS / "dot-product-100k.yaml",
    "svdpp by sgd": CONFIGS / "svdpp-100k.yaml",
    "svdpp by Gibbs sampling": CONFIGS / "gibbs-flipped-100k.yaml",
    "the same, biases that move with time": CONFIGS / "gibbs-time-100k.yaml",
}
SEEDS = (42, 1, 2)
FOLDS = (1, 2, 3, 4, 5)


def main() -> None:
    """Prints the two tables as markdown."""
    print("| data | model | rmse | biases alone | ratio |\n| --- | --- | --- | --- | --- |")
    row("movielens-small, mean of seeds 42, 1, 2", [train(SMALL, f"seed={seed}") for seed in SEEDS])
    row("the same, svdpp by Gibbs sampling", [train(MOST, f"seed={seed}") for seed in SEEDS])
    row("the same, biases that move with time", [train(MOST, f"seed={seed}", DRIFT) for seed in SEEDS])
    ml100k = os.environ.get("RECSYS_ML100K")
    if ml100k:
        folds = [(f"{ml100k}/u{fold}.train.csv", f"{ml100k}/u{fold}.test.csv") for fold in FOLDS]
        row("ML-100K, mean of five folds, the lesson's settings", [fold_of(LESSON, *files) for files in folds])
        for name, config in OF_FOLDS.items():
            row(f"ML-100K, mean of five folds, {name}", [fold_of(config, *files) for files in folds])
    else:
        print("(ML-100K left out: RECSYS_ML100K is not set)")
    print("\n| split.method | test rmse | biases alone | unknown users / items |\n| --- | --- | --- | --- |")
    for method in ("random", "time", "user_time", "leave_last", "new_items", "new_users"):
        metrics = train(SMALL, f"split.method={method}")
        test = metrics["test"]
        unknown = f"{test['n_unknown_users']:,} / {test['n_unknown_items']:,} of {test['n_ratings']:,}"
        print(f"| {method} | {test['rmse']:.4f} | {metrics['baselines']['biases']['rmse']:.4f} | {unknown} |")


def train(config: Path, *overrides: str) -> Any:
    """The metrics of a run that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return recsys.train(load_config(config, overrides), Path(folder) / "run")


def fold_of(config: Path, train_file: str, test_file: str) -> Any:
    """A fold with files of its own, nothing held out for valid."""
    data = f"data={{train: {train_file}, test: {test_file}}}"
    return train(config, data, "split.valid_fraction=0")


def row(name: str, results: list[dict[str, Any]]) -> None:
    """A line of the first table: means over several runs."""
    rmse = statistics.mean(result["test"]["rmse"] for result in results)
    biases = statistics.mean(result["baselines"]["biases"]["rmse"] for result in results)
    seconds = statistics.mean(result["fit_seconds"] for result in results)
    model = f"{results[0]['method']}, dim {results[0]['embedding_dim']}, {seconds:.2f} s a fit"
    print(f"| {name} | {model} | {rmse:.4f} | {biases:.4f} | {rmse / biases:.4f} |", flush=True)


if __name__ == "__main__":
    main()
