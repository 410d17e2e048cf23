"""How far predictions are from ratings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from recsys.core.collectives import gather_on_first, tasks_of_rank, text_of_first
from recsys.core.communicator import Communicator
from recsys.core.types import BoolArray, Float32Array, Times
from recsys.data.interactions import Interactions
from recsys.scoring.protocols import DividedScorer, Scorer

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


def errors_on_first(scorer: Scorer | DividedScorer, ratings: Interactions, communicator: Communicator) -> Errors | None:
    """`errors` of ratings that are the same on every rank, on rank 0; None on the others, which send what they predict.

    Each rank rates a share of them: of a DividedScorer those of its users.
    """
    if communicator.size == 1:
        return errors(scorer, ratings)
    first = tasks_of_rank(len(ratings), communicator)

    def rows_of(rank: int) -> BoolArray | slice:
        if isinstance(scorer, DividedScorer):
            return scorer.is_with(rank, ratings.user_idx)
        return slice(int(first[rank]), int(first[rank + 1]))

    shares = gather_on_first(_predicted(scorer, ratings.take(rows_of(communicator.rank))), communicator)
    if shares is None:
        return None
    predicted = np.empty(len(ratings), np.float32)
    for rank, share in enumerate(shares):
        predicted[rows_of(rank)] = share
    return _less(predicted, ratings)


def scores_of_first(scores: Scores | None, communicator: Communicator) -> Scores:
    """The scores of rank 0, on every rank."""
    if communicator.size == 1:
        assert scores is not None
        return scores
    text = text_of_first("" if scores is None else json.dumps(asdict(scores)), communicator)
    return Scores(**json.loads(text))


def errors(scorer: Scorer | DividedScorer, ratings: Interactions) -> Errors:
    """r̂ − r of each rating, float64, shape (n,)."""
    return _less(_predicted(scorer, ratings), ratings)


def _predicted(scorer: Scorer | DividedScorer, ratings: Interactions) -> Float32Array:
    return scorer.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)


def _less(predicted: Float32Array, ratings: Interactions) -> Errors:
    return np.subtract(predicted, ratings.rating, dtype=np.float64)
