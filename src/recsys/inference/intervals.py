"""Prediction intervals of a run at a level that it can give."""

from __future__ import annotations

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.stored_scorers import without_ratings
from recsys.core.errors import RunError
from recsys.core.types import Indices, Times
from recsys.evaluation.intervals import Intervals, PredictedIntervals, check_level, predict_intervals


def intervals_at(bundle: Bundle, level: float) -> Intervals:
    """The run's intervals, if it can give them at `level`.

    Raises:
        UsageError: `level` is not between 0 and 1.
        RunError: the run can give no intervals, or none at that level.
    """
    check_level(level)
    if "rating" not in bundle.scorers:
        raise without_ratings(bundle.path)
    if bundle.intervals is None:
        raise RunError(
            "the run has no intervals",
            where=str(bundle.path),
            expected="a run that was trained with a validation set, or by gibbs, and not made by fold-in",
            hint="train one with split.valid_fraction: 0.1",
        )
    bundle.intervals.check(level)
    return bundle.intervals


def rate_with_intervals(
    bundle: Bundle, level: float, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None
) -> PredictedIntervals:
    """Predicted ratings of pairs with the intervals that hold ratings at `level`.

    Args:
        user_idx, item_idx: int32, shape (n,); index −1 is an unknown id.
        timestamp: seconds, shape (n,).
    Raises:
        UsageError, RunError: see `intervals_at`.
    """
    intervals = intervals_at(bundle, level)
    return predict_intervals(bundle.rating, intervals, level, user_idx, item_idx, timestamp)
