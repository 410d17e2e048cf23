"""Intervals around predictions: learned with a run, kept in its serving folder, asked for at any level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.artifacts.arrays import memory_map
from recsys.core.errors import RunError, UsageError
from recsys.core.types import Array, Arrays, Float32Array, Indices, Times
from recsys.data.interactions import Interactions
from recsys.evaluation.calibration import Calibration, calibrate, normal
from recsys.evaluation.residual_variance import ResidualVariance, residual_variance_of
from recsys.scoring.censored_normal import censored_normal
from recsys.scoring.drift import Drift
from recsys.scoring.factors import Factors, Link
from recsys.scoring.protocols import Trained
from recsys.scoring.uncertainty import Samples

if TYPE_CHECKING:
    from recsys.data.training_inputs import TrainingInputs

MOST_RATINGS = 200_000  # of valid to calibrate on: more would move no factor by 0.5%
MOST_TRAINING = 5_000_000  # training ratings that tell whose ratings scatter: half a second
LEAST = 0.1  # of the variance is left, whatever a drift takes off: its share is an approximation
NUMBERS = ("unit", "noise")  # of Samples, kept as arrays of one element


@dataclass(frozen=True)
class Interval:
    """Where a rating lies with the probability `level`, in rating units."""

    level: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Intervals:
    """What a run knows of how far ratings lie from its predictions.

    Attributes:
        samples: of the model, where its method draws them.
        user_counts, item_counts: training ratings of each, int64.
        spread: of training ratings about their biases, where valid has told how much of it to take.
        drift: of the users' biases, where the model has that.
    """

    samples: Samples | None
    calibration: Calibration
    user_counts: Array
    item_counts: Array
    spread: ResidualVariance | None
    drift: Drift | None

    @property
    def facts(self) -> dict[str, Any]:
        """What they stand on: samples of the model and the spread of training or not, and how many ratings of valid."""
        return {
            "samples": self.samples is not None,
            "spread": self.spread is not None,
            "n_valid": self.calibration.n_ratings,
        }

    def std(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Standard deviations of the ratings about their predictions, in rating units, float32, shape (n,)."""
        return self.calibration.std(*self.calibration_features(user_idx, item_idx, timestamp))

    def calibration_features(
        self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None
    ) -> tuple[Float32Array, ...]:
        """What a calibration goes by: std of the model or 1, training ratings of user and item, variance of these."""
        of_model = _std_of_model(self.samples, self.drift, user_idx, item_idx, timestamp)
        n_user, n_item = np.append(self.user_counts, 0)[user_idx], np.append(self.item_counts, 0)[item_idx]
        spread = np.zeros_like(of_model) if self.spread is None else self.spread.variance(user_idx, item_idx)
        return of_model, n_user, n_item, spread

    def ends(
        self, centre: Float32Array, std: Float32Array, level: float, link: Link
    ) -> tuple[Float32Array, Float32Array]:
        """The ends of the intervals, float32, shapes (n,); they stay where the link's ratings are.

        Args:
            centre: see `rate_and_centre`.
        """
        reach = np.float32(self.calibration.factor(level)) * std
        low, high = centre - reach, centre + reach
        if link.kind == "identity":
            return low, high
        ends = np.float32(link.low), np.float32(link.high)
        return np.clip(low, *ends), np.clip(high, *ends)

    def arrays(self) -> Arrays:
        """As they lie in the serving folder: the samples, the spread, the factors and the coefficients."""
        found: dict[str, Any] = {} if self.samples is None else dict(vars(self.samples))
        found |= {name: np.array([found[name]]) for name in NUMBERS if name in found}
        if self.spread is not None:
            found |= {"user_spread": self.spread.user, "item_spread": self.spread.item}
        return {**found, "factors": self.calibration.factors, "coefficients": self.calibration.coefficients}

    def check(self, level: float) -> None:
        """Refuses a level that is too high.

        Raises:
            RunError: valid has too few ratings for it.
        """
        n, highest = self.calibration.n_ratings, self.calibration.highest_level
        if level <= highest:
            return
        least = f"it had {n:,} valid ratings" if n else "beyond it nothing is known of a normal distribution's tails"
        raise RunError(
            f"an interval of {level:g} is more than this run can give: {least}",
            expected=f"a level of {highest:g} or less" if highest else "more valid ratings",
            hint="a larger split.valid_fraction allows for higher levels" if n else None,
        )


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


def learn_intervals(scorer: Trained, samples: Samples | None, inputs: TrainingInputs) -> Intervals | None:
    """Intervals from valid, the spread of training and, where there are some, samples of the model; None without any.

    Without valid, the samples' standard deviations are taken as they are, and errors as normally distributed.
    """
    valid, train = inputs.splits.valid, inputs.seen_ratings
    if valid is None and samples is None:
        return None
    drift = scorer.drift if isinstance(scorer, Factors) else None
    spread = None if valid is None else residual_variance_of(_some(train, MOST_TRAINING))
    found = Intervals(samples, normal(), train.user_counts, train.item_counts, spread, drift)
    if valid is None:
        return found
    valid = _some(valid, MOST_RATINGS)
    known = found.calibration_features(valid.user_idx, valid.item_idx, valid.timestamp)
    return replace(found, calibration=calibrate(_missed_by(scorer, valid), *known))


def rate_and_centre(
    scorer: Trained, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None
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


def _missed_by(scorer: Trained, ratings: Interactions) -> Float32Array:
    """By how much the centre misses each rating; not at all beyond the end of the scale at which the rating is."""
    _, centre = rate_and_centre(scorer, ratings.user_idx, ratings.item_idx, ratings.timestamp)
    missed = np.subtract(centre, ratings.rating, dtype=np.float64)
    if scorer.link.kind == "tobit":
        missed[(ratings.rating >= scorer.link.high) & (missed > 0)] = 0
        missed[(ratings.rating <= scorer.link.low) & (missed < 0)] = 0
    return missed


def _some(ratings: Interactions, most: int) -> Interactions:
    """`most` of the ratings or fewer, evenly spread."""
    return ratings.take(slice(None, None, -(-len(ratings) // most)))


def read_intervals(
    path: Path, facts: dict[str, Any], user_counts: Array, item_counts: Array, drift: Drift | None
) -> Intervals:
    """The intervals in a file of the serving folder, the samples read from disk as they are touched.

    Args:
        facts: as `Intervals.facts` gave them; runs of before the spread was learned do not name it.
    """
    samples = _read_samples(path) if facts["samples"] else None
    spread = _read_spread(path) if facts.get("spread") else None
    coefficients, factors = (np.array(memory_map(path, name)) for name in ("coefficients", "factors"))
    if "spread" not in facts:
        coefficients = np.append(coefficients, np.zeros(3))
    calibration = Calibration(coefficients, factors, facts["n_valid"])
    return Intervals(samples, calibration, user_counts, item_counts, spread, drift)


def _read_samples(path: Path) -> Samples:
    return Samples(
        unit=float(memory_map(path, "unit")[0]),
        noise=float(memory_map(path, "noise")[0]),
        user_rows=memory_map(path, "user_rows"),
        item_rows=memory_map(path, "item_rows"),
        user_noise=memory_map(path, "user_noise"),
        item_noise=memory_map(path, "item_noise"),
    )


def _read_spread(path: Path) -> ResidualVariance:
    return ResidualVariance(np.array(memory_map(path, "user_spread")), np.array(memory_map(path, "item_spread")))


def _std_of_model(
    samples: Samples | None, drift: Drift | None, user_idx: Indices, item_idx: Indices, timestamp: Times | None
) -> Float32Array:
    if samples is None:
        return np.ones(len(user_idx), dtype=np.float32)
    std = samples.std(user_idx, item_idx)
    if drift is None:
        return std
    more = drift.at_no_time(len(std)) if timestamp is None else drift.at(user_idx, timestamp)[1]
    return np.sqrt(np.maximum(np.square(std) + more, LEAST * np.square(std)))
