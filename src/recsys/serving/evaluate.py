"""How good a finished run is on another file of ratings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from recsys.data.read import read_as
from recsys.data.table import Role
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.records import Observer, silent
from recsys.serving.store import Store

WANTED: frozenset[Role] = frozenset({"user", "item", "rating"})


def evaluate_file(store: Store, path: Path, observe: Observer = silent) -> dict[str, Any]:
    """The model's scores on every rating of the file, and those of the baselines fitted on the run's training ratings.

    Unknown users and items are predicted by the fallback and counted.

    Raises:
        DataError: the file cannot be read as ratings.
    """
    ratings = read_as(path, store.data, store.users, store.items, WANTED, observe)
    train = store.training_ratings()
    return {
        **asdict(evaluate(store.scorer, ratings)),
        "baselines": {
            "global_mean": asdict(evaluate(baselines.global_mean(train), ratings)),
            "biases": asdict(evaluate(baselines.biases(train), ratings)),
        },
    }
