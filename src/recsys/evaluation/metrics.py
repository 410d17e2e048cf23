"""How far predictions are from ratings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recsys.core.communicator import Communicator, share_of
from recsys.core.types import Times
from recsys.data.interactions import Interactions
from recsys.scoring.protocols import Scorer

Errors = Times


@dataclass(frozen=True)
class Scores:
    """Metrics by name, and by name the counts of what they were measured on and the settings of the measurement."""

    metrics: Mapping[str, float]
    counts: Mapping[str, int]
    settings: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, float]:
        """All of them side by side, as a dict that json takes."""
        return {**self.metrics, **self.counts, **self.settings}


def evaluate(scorer: Scorer, ratings: Interactions) -> Scores:
    """The scores of predictions, see `scores_of`.

    Args:
        ratings: at least one row, on the scorer's vocabularies.
    """
    return scores_of(errors(scorer, ratings), ratings)


def scores_of(error: Errors, ratings: Interactions) -> Scores:
    """rmse = √(mean (r − r̂)²) and mae = mean |r − r̂| over all rows, unknown users and items included.

    Returns:
        rmse and mae in rating units; n_ratings, and how many of these were predicted by the fallback:
        n_unknown_users and n_unknown_items; and n_users_from_features and n_items_from_features, where the
        vocabularies have such.
    """
    return Scores(
        metrics={"rmse": math.sqrt(float(np.mean(error * error))), "mae": float(np.mean(np.abs(error)))},
        counts={
            "n_ratings": len(ratings),
            "n_unknown_users": ratings.n_unknown_users,
            "n_unknown_items": ratings.n_unknown_items,
            **_from_features(ratings),
        },
    )


def _from_features(ratings: Interactions) -> dict[str, int]:
    """How many ratings have a user, or an item, that only features tell of; nothing where there is no such one."""
    if not (ratings.users.n_behind or ratings.items.n_behind):
        return {}
    first_user, first_item = (len(ids) - ids.n_behind for ids in (ratings.users, ratings.items))
    return {
        "n_users_from_features": int(np.count_nonzero(ratings.user_idx >= first_user)),
        "n_items_from_features": int(np.count_nonzero(ratings.item_idx >= first_item)),
    }


def gather_errors(scorer: Scorer, ratings: Interactions, communicator: Communicator) -> Errors:
    """`errors` of ratings that are the same on every rank: each rank rates a share of them, and gets all errors."""
    shares = communicator.all_gather(errors(scorer, ratings.take(share_of(len(ratings), communicator))))
    return shares[0] if len(shares) == 1 else np.concatenate(shares)


def errors(scorer: Scorer, ratings: Interactions) -> Errors:
    """r̂ − r of each rating, float64, shape (n,)."""
    predicted = scorer.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    return np.subtract(predicted, ratings.rating, dtype=np.float64)
