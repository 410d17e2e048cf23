"""Prediction intervals: learned with a run from its valid ratings, computed at any level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recsys.core.errors import RunError, UsageError
from recsys.core.types import Array, Counts, Float32Array, Float64Array, Indices, Times
from recsys.core.words import counted
from recsys.data.interactions import Interactions
from recsys.evaluation.calibration import WIDTH_REACH, Calibration, PairFeatures, WidthOf, calibrate, normal
from recsys.evaluation.residual_variance import ResidualVariance, residual_variance_of
from recsys.scoring.censored_normal import censored_normal
from recsys.scoring.drift import Drift
from recsys.scoring.link import Link
from recsys.scoring.protocols import RatingScorer
from recsys.scoring.uncertainty import Samples

if TYPE_CHECKING:
    from recsys.data.training_inputs import TrainingInputs

MOST_RATINGS = 200_000  # of valid to calibrate on: more would move no factor by 0.5%
MOST_TRAINING = 5_000_000  # training ratings for the residual variance: half a second
LEAST = 0.1  # of the variance is left, whatever a drift takes off: its share is an approximation


@dataclass(frozen=True, eq=False)
class PredictedIntervals:
    """Predicted ratings of pairs, the standard deviations of ratings about them, and the ends of the intervals.

    All in rating units, float32, shape (n,).
    """

    rating: Float32Array
    std: Float32Array
    low: Float32Array
    high: Float32Array


@dataclass(frozen=True, eq=False)
class Intervals:
    """What a run knows of how far ratings lie from its predictions.

    Attributes:
        samples: of the model, where its method draws them.
        user_counts, item_counts: training ratings of each, int64.
        residual_variance: of training ratings about their biases, where it was calibrated on valid ratings.
        drift: of the users' biases, where the model has that.
    """

    samples: Samples | None
    calibration: Calibration
    user_counts: Counts
    item_counts: Counts
    residual_variance: ResidualVariance | None
    drift: Drift | None

    def std(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Standard deviations of the ratings about their predictions, in rating units, float32, shape (n,)."""
        return self.calibration.std(self.calibration_features(user_idx, item_idx, timestamp))

    def calibration_features(
        self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None
    ) -> PairFeatures:
        """What a calibration goes by: std of the model or 1, training ratings of user and item, variance of these."""
        user_idx, item_idx = _known(user_idx, self.user_counts), _known(item_idx, self.item_counts)
        of_model = _std_of_model(self.samples, self.drift, user_idx, item_idx, timestamp)
        n_user, n_item = np.append(self.user_counts, 0)[user_idx], np.append(self.item_counts, 0)[item_idx]
        variance = np.zeros_like(of_model)
        if self.residual_variance is not None:
            variance = self.residual_variance.variance(user_idx, item_idx)
        return PairFeatures(of_model, n_user, n_item, variance)

    def ends(
        self, centre: Float32Array, std: Float32Array, level: float, link: Link
    ) -> tuple[Float32Array, Float32Array]:
        """The ends of the intervals, float32, shapes (n,); they stay where the link's ratings are.

        Args:
            centre: see `rate_and_centre`.
        """
        width = _width_of(centre, link)(WIDTH_REACH * std)
        return _ends(centre, self.calibration.factor(level, width) * std, link)

    def check(self, level: float) -> None:
        """Refuses a level that is too high.

        Raises:
            RunError: valid has too few ratings for it.
        """
        n, highest = self.calibration.n_ratings, self.calibration.highest_level
        if level <= highest:
            return
        least = (
            f"it had {counted(n, 'validation rating')}"
            if n
            else "beyond it nothing is known of a normal distribution's tails"
        )
        raise RunError(
            f"an interval of {level:g} is more than this run can give: {least}",
            expected=f"a level of {highest:g} or less" if highest else "more valid ratings",
            hint="a larger split.valid_fraction allows for higher levels" if n else None,
        )


def _ends(centre: Array, reach: Array, link: Link) -> tuple[Array, Array]:
    low, high = centre - reach, centre + reach
    if link.kind == "identity":
        return low, high
    ends = np.float32(link.low), np.float32(link.high)
    return np.clip(low, *ends), np.clip(high, *ends)


def _width_of(centre: Array, link: Link) -> WidthOf:
    """How wide intervals about the centres are on the scale."""
    return lambda reach: np.subtract(*reversed(_ends(centre, reach, link)))


def _known(idx: Indices, counts: Counts) -> Indices:
    """The indices; −1 of those who came after training, of whom nothing is known here."""
    return idx if not len(idx) or idx.max() < len(counts) else np.where(idx < len(counts), idx, np.int32(-1))


def check_level(level: float) -> None:
    """Refuses a level that is no share.

    Raises:
        UsageError: it is not between 0 and 1.
    """
    if not 0 < level < 1:
        percent = 1 < level < 100
        raise UsageError(
            f"{level:g} is no level for an interval",
            expected="the share of ratings that it is to hold, between 0 and 1",
            hint=f"{level:g}% is {level / 100:g}" if percent else None,
        )


def learn_intervals(scorer: RatingScorer, samples: Samples | None, inputs: TrainingInputs) -> Intervals | None:
    """Intervals from valid ratings, the residual variance of training and, where there are some, samples of the model.

    Without valid ratings, the samples' standard deviations are taken as they are, and errors as normally distributed;
    without samples too, None.
    """
    held_out, train = inputs.splits.valid, inputs.seen_ratings
    valid = None if held_out is None else held_out.rated()
    has_valid = valid is not None and len(valid) > 0
    if not has_valid and samples is None:
        return None
    drift = scorer.drift
    variance = residual_variance_of(evenly_spaced(train, MOST_TRAINING)) if has_valid else None
    uncalibrated = Intervals(samples, normal(), train.user_counts, train.item_counts, variance, drift)
    if valid is None or not has_valid:
        return uncalibrated
    valid = evenly_spaced(valid, MOST_RATINGS)
    features = uncalibrated.calibration_features(valid.user_idx, valid.item_idx, valid.timestamp)
    _, centre = rate_and_centre(scorer, valid.user_idx, valid.item_idx, valid.timestamp)
    error = _errors(centre, valid, scorer.link)
    return replace(uncalibrated, calibration=calibrate(error, features, _width_of(centre, scorer.link)))


def carry_intervals(
    measured: Intervals, scorer: RatingScorer, samples: Samples | None, inputs: TrainingInputs
) -> Intervals:
    """Intervals of a model that was trained on all ratings: as wide as those of the same model on a part were right.

    Args:
        measured: of the model that was measured, whose calibration is taken over.
        scorer, samples, inputs: as of `learn_intervals`.
    """
    train = inputs.seen_ratings
    has_variance = measured.residual_variance is not None
    variance = residual_variance_of(evenly_spaced(train, MOST_TRAINING)) if has_variance else None
    counts = train.user_counts, train.item_counts
    return Intervals(samples, measured.calibration, *counts, variance, scorer.drift)


def predict_intervals(
    scorer: RatingScorer,
    intervals: Intervals,
    level: float,
    user_idx: Indices,
    item_idx: Indices,
    timestamp: Times | None = None,
) -> PredictedIntervals:
    """The intervals that hold ratings of pairs at `level`, which `intervals.check` allows.

    Args:
        user_idx, item_idx: int32, shape (n,); index −1 is an unknown id.
        timestamp: seconds, shape (n,).
    """
    rating, centre = rate_and_centre(scorer, user_idx, item_idx, timestamp)
    std = intervals.std(user_idx, item_idx, timestamp)
    low, high = intervals.ends(centre, std, level, scorer.link)
    # Where most ratings are at the end of the scale, an interval may hold nothing else, which no mean rating reaches.
    return PredictedIntervals(
        rating=rating,
        std=std_of_ratings(centre, std, scorer.link),
        low=np.minimum(low, rating),
        high=np.maximum(high, rating),
    )


def rate_and_centre(
    scorer: RatingScorer, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None
) -> tuple[Float32Array, Float32Array]:
    """Predicted ratings, and what the intervals lie about: these; with a tobit link scores, cut off later.

    Returns:
        Both float32, shape (n,).
    """
    rating = scorer.rate(user_idx, item_idx, timestamp)
    return rating, scorer.score(user_idx, item_idx, timestamp) if scorer.link.kind == "tobit" else rating


def std_of_ratings(centre: Float32Array, std: Float32Array, link: Link) -> Float32Array:
    """The standard deviation of ratings, where `std` is that about the centre: less where a tobit link cuts off."""
    if link.kind != "tobit":
        return std
    return censored_normal(centre.astype(np.float64), std.astype(np.float64), link.low, link.high)[1].astype(np.float32)


def _errors(centre: Float32Array, ratings: Interactions, link: Link) -> Float64Array:
    """The error of each centre; none where it lies beyond the end of the scale at which the rating is."""
    error = np.subtract(centre, ratings.rating, dtype=np.float64)
    if link.kind == "tobit":
        error[(ratings.rating >= link.high) & (error > 0)] = 0
        error[(ratings.rating <= link.low) & (error < 0)] = 0
    return error


def evenly_spaced(ratings: Interactions, most: int) -> Interactions:
    """At most so many of the ratings, evenly spaced."""
    return ratings.take(slice(None, None, max(1, -(-len(ratings) // most))))


def _std_of_model(
    samples: Samples | None, drift: Drift | None, user_idx: Indices, item_idx: Indices, timestamp: Times | None
) -> Float32Array:
    if samples is None:
        return np.ones(len(user_idx), dtype=np.float32)
    std = samples.std(user_idx, item_idx)
    if drift is None:
        return std
    more = drift.at_no_time(user_idx) if timestamp is None else drift.at(user_idx, timestamp)[1]
    return np.sqrt(np.maximum(np.square(std) + more, LEAST * np.square(std)))
