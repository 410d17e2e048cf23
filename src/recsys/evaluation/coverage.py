"""Whether intervals hold what they promise."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation.activity import ActivityRange, mean_by_activity

N_FIFTHS = 5


class RangeCoverage(TypedDict):
    """Coverage of the intervals for the ratings of who has `low` to `high` training ratings."""

    low: int
    high: int
    n_ratings: int
    coverage: float
    mean_width: float


class FifthCoverage(TypedDict):
    """Coverage of the intervals of a fifth of the known users; the first has the narrowest intervals."""

    fifth: int
    n_users: int
    n_ratings: int
    coverage: float
    mean_width: float


class Coverage(TypedDict):
    """The share of ratings that lie in their intervals and the mean width of these, overall and in groups."""

    coverage: float
    mean_width: float
    n_ratings: int
    by_user: list[RangeCoverage]
    by_item: list[RangeCoverage]
    by_width: list[FifthCoverage]


def coverage(ratings: Interactions, low: Array, high: Array, train: Interactions) -> Coverage:
    """The share of ratings that lie in their intervals and the mean width of these, overall and in groups.

    Args:
        ratings: at least one row, on the vocabularies of `train`.
        low, high: ends of the intervals, shape (n,).
    Returns:
        "by_user" and "by_item": by numbers of training ratings, see `mean_by_activity`; "by_width": by fifths of the
        known users, fewer rows where there are fewer users.
    """
    width = np.subtract(high, low, dtype=np.float64)
    covered = ((ratings.rating >= low) & (ratings.rating <= high)).astype(np.float64)
    columns = {"coverage": covered, "mean_width": width}
    by_user = mean_by_activity(columns, train.user_counts, ratings.user_idx)
    by_item = mean_by_activity(columns, train.item_counts, ratings.item_idx)
    return {
        "coverage": float(covered.mean()),
        "mean_width": float(width.mean()),
        "n_ratings": len(ratings),
        "by_user": [_of_range(group) for group in by_user],
        "by_item": [_of_range(group) for group in by_item],
        "by_width": _by_width(covered, width, ratings.user_idx),
    }


def _of_range(group: ActivityRange) -> RangeCoverage:
    coverage, mean_width = group.means["coverage"], group.means["mean_width"]
    return {
        "low": group.low,
        "high": group.high,
        "n_ratings": group.n_ratings,
        "coverage": coverage,
        "mean_width": mean_width,
    }


def _by_width(covered: Array, width: Array, user_idx: Array) -> list[FifthCoverage]:
    known = np.flatnonzero(user_idx >= 0)
    users, user = np.unique(user_idx[known], return_inverse=True)
    mean_width = np.bincount(user, width[known]) / np.bincount(user)
    rank = np.empty(len(users), dtype=np.int64)
    rank[np.argsort(mean_width, kind="stable")] = np.arange(len(users))
    fifth = rank * N_FIFTHS // len(users) if len(users) else rank
    return [
        {
            "fifth": number + 1,
            "n_users": int(np.count_nonzero(fifth == number)),
            "n_ratings": int(np.count_nonzero(rows)),
            "coverage": float(covered[known][rows].mean()),
            "mean_width": float(width[known][rows].mean()),
        }
        for number in np.unique(fifth).tolist()
        if (rows := fifth[user] == number).any()
    ]
