"""Errors by how much is known: by the number of training ratings that a user or an item has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict, cast

import numpy as np

from recsys.core.types import Array, Counts, Indices
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.metrics import Errors, errors
from recsys.scoring.protocols import Scorer


class RangeErrors(TypedDict):
    """Rmse of the model and of the biases alone on the ratings of who has `low` to `high` training ratings.

    `without_features`, where features serve some: the model's, if those had the row of an unknown id.
    """

    low: int
    high: int
    n_ratings: int
    model: float
    biases: float
    without_features: NotRequired[float]


class ActivityErrors(TypedDict):
    """Errors by the number of training ratings of the user, and of the item, the fewest first."""

    by_user: list[RangeErrors]
    by_item: list[RangeErrors]


def activity(
    scorer: Scorer, train: Interactions, ratings: Interactions, without_features: Errors | None = None
) -> ActivityErrors:
    """Rmse of the model and of the biases alone by how many training ratings the user, and the item, of a rating has.

    Args:
        train: what the scorer was trained on.
        ratings: at least one row, on the vocabularies of train.
        without_features: errors of the same ratings by the scorer without features.
    """
    squares = {
        "model": np.square(errors(scorer, ratings)),
        "biases": np.square(errors(baselines.biases(train), ratings)),
    }
    if without_features is not None:
        squares["without_features"] = np.square(without_features)
    return {
        "by_user": [_rmse(bucket) for bucket in mean_by_activity(squares, train.user_counts, ratings.user_idx)],
        "by_item": [_rmse(bucket) for bucket in mean_by_activity(squares, train.item_counts, ratings.item_idx)],
    }


@dataclass(frozen=True)
class ActivityRange:
    """The ratings whose user (or item) has from `low` to `high` training ratings, and the mean of each column."""

    low: int
    high: int
    n_ratings: int
    means: Mapping[str, float]


def mean_by_activity(columns: Mapping[str, Array], counts: Counts, idx: Indices) -> list[ActivityRange]:
    """The mean of each column by how many training ratings the user (or the item) of a rating has.

    Args:
        columns: name → a number for each rating, shape (n,).
        counts: training ratings of each user, shape (n_users,).
        idx: the user of each rating, shape (n,); −1, an unknown one, has 0 training ratings.
    Returns:
        The ranges that occur of 0, 1, 2, 3–5, 6–10, 11–20, 21–50, …
    """
    n_known = np.append(counts, 0)[idx]
    edges = [0, *(step * 10**power for power in range(len(str(n_known.max())) + 1) for step in (1, 2, 5))]
    bucket = np.searchsorted(edges, n_known, side="left")
    n = np.bincount(bucket, minlength=len(edges))
    sums = {name: np.bincount(bucket, column, minlength=len(edges)) for name, column in columns.items()}
    return [
        ActivityRange(
            low=edges[number - 1] + 1 if number else 0,
            high=edges[number],
            n_ratings=int(n[number]),
            means={name: float(total[number] / n[number]) for name, total in sums.items()},
        )
        for number in np.flatnonzero(n).tolist()
    ]


def _rmse(squares: ActivityRange) -> RangeErrors:
    rmse = {name: float(np.sqrt(mean)) for name, mean in squares.means.items()}
    content = {"low": squares.low, "high": squares.high, "n_ratings": squares.n_ratings, **rmse}
    return cast(RangeErrors, content)
