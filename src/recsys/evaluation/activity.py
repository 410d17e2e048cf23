"""Errors by how much is known: by the number of training ratings that a user or an item has."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.metrics import errors
from recsys.scoring.protocols import Scorer

Rows = list[dict[str, Any]]


def activity(scorer: Scorer, train: Interactions, ratings: Interactions) -> dict[str, Rows]:
    """Rmse of the model and of the biases alone, "by_user" and "by_item", as `by_activity` has it.

    Args:
        train: what the scorer was trained on.
        ratings: at least one row, on the vocabularies of train.
    """
    squares = {
        "model": np.square(errors(scorer, ratings)),
        "biases": np.square(errors(baselines.biases(train), ratings)),
    }
    return {
        "by_user": by_activity(squares, train.user_counts, ratings.user_idx),
        "by_item": by_activity(squares, train.item_counts, ratings.item_idx),
    }


def by_activity(squares: dict[str, Array], counts: Array, idx: Array) -> Rows:
    """Rmse by how many training ratings the user (or the item) of a rating has, as `mean_by_activity` has it.

    Args:
        squares: who predicts → squared errors, shape (n,).
    """
    rows = mean_by_activity(squares, counts, idx)
    return [{**row, **{name: float(np.sqrt(row[name])) for name in squares}} for row in rows]


def mean_by_activity(columns: dict[str, Array], counts: Array, idx: Array) -> Rows:
    """The mean of each column by how many training ratings the user (or the item) of a rating has.

    Args:
        columns: name → a number for each rating, shape (n,).
        counts: training ratings of each user, shape (n_users,).
        idx: the user of each rating, shape (n,); −1, an unknown one, has 0 training ratings.
    Returns:
        A row for each range from `low` to `high` training ratings that occurs: 0, 1, 2, 3–5, 6–10, 11–20, 21–50, …
    """
    known = np.append(counts, 0)[idx]
    edges = [0, *(step * 10**power for power in range(len(str(known.max())) + 1) for step in (1, 2, 5))]
    bucket = np.searchsorted(edges, known, side="left")
    n = np.bincount(bucket, minlength=len(edges))
    sums = {name: np.bincount(bucket, column, minlength=len(edges)) for name, column in columns.items()}
    return [
        {
            "low": edges[one - 1] + 1 if one else 0,
            "high": edges[one],
            "n_ratings": int(n[one]),
            **{name: float(total[one] / n[one]) for name, total in sums.items()},
        }
        for one in np.flatnonzero(n).tolist()
    ]
