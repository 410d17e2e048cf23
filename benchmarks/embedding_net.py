"""The embedding net on the five folds of ML-100K: `python benchmarks/embedding_net.py`.

The environment variable RECSYS_ML100K has to name a folder with the folds u1 … u5. Nothing is held out for valid: all
of a fold's training part is trained on, as in the figure of fastai 2's `collab_learner(use_nn=True, layers=[100, 50])`.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import recsys

FOLDS = (1, 2, 3, 4, 5)
FASTAI = 0.9398
LESSON = {
    "model": {
        "kind": "embedding_net",
        "layers": [100, 50],
        "batch_norm": True,
        "dropout": 0.0,
        "embedding_dropout": 0.0,
        "y_range": [0, 5.5],
    },
    "training": {
        "method": "adamw",
        "n_epochs": 5,
        "lr_max": 5e-3,
        "weight_decay": 0.1,
        "bias_weight_decay": 0.1,
        "batch_size": 64,
    },
}
SETTINGS: dict[str, dict[str, Any]] = {
    "the lesson's settings": LESSON,
    "defaults": {"model": {"kind": "embedding_net"}},
    "dot product, sgd, defaults": {},
}


def main() -> None:
    """Prints a table as markdown."""
    folder = os.environ.get("RECSYS_ML100K")
    if not folder:
        sys.exit("RECSYS_ML100K has to name a folder with MovieLens 100K")
    print(f"fastai, the lesson's settings: {FASTAI}\n")
    print("| settings | mean rmse | of each fold | biases alone | seconds a fit |\n| --- | --- | --- | --- | --- |")
    for name, sections in SETTINGS.items():
        results = [fold_of(folder, fold, sections) for fold in FOLDS]
        rmse = [result["test"]["rmse"] for result in results]
        biases = statistics.mean(result["baselines"]["biases"]["rmse"] for result in results)
        seconds = statistics.mean(result["fit_seconds"] for result in results)
        each = " ".join(f"{value:.4f}" for value in rmse)
        print(f"| {name} | {statistics.mean(rmse):.4f} | {each} | {biases:.4f} | {seconds:.1f} |", flush=True)


def fold_of(folder: str, fold: int, sections: dict[str, Any]) -> Any:
    """The metrics of a run that is thrown away."""
    data = {"train": f"{folder}/u{fold}.train.csv", "test": f"{folder}/u{fold}.test.csv"}
    with tempfile.TemporaryDirectory() as aside:
        return recsys.train({"data": data, "split": {"valid_fraction": 0}, **sections}, Path(aside) / "run")


if __name__ == "__main__":
    main()
