"""How far predictions are from ratings."""

from __future__ import annotations

import math

import numpy as np

from recsys.core.events import Scores
from recsys.core.types import Times
from recsys.data.interactions import Interactions
from recsys.scoring.protocols import Scorer

Errors = Times


def evaluate(scorer: Scorer, ratings: Interactions) -> Scores:
    """rmse = √(mean (r − r̂)²) and mae = mean |r − r̂| over all rows, unknown users and items included.

    Args:
        ratings: at least one row, on the scorer's vocabularies.
    """
    error = errors(scorer, ratings)
    return Scores(
        rmse=math.sqrt(float(np.mean(error * error))),
        mae=float(np.mean(np.abs(error))),
        n_ratings=len(ratings),
        n_unknown_users=ratings.n_unknown_users,
        n_unknown_items=ratings.n_unknown_items,
    )


def errors(scorer: Scorer, ratings: Interactions) -> Errors:
    """r̂ − r of each rating, float64, shape (n,)."""
    predicted = scorer.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    return np.subtract(predicted, ratings.rating, dtype=np.float64)
