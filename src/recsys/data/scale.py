"""The scale of the training ratings: bounds, what standardising and clipping need, and where ratings pile up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.core.between import is_between
from recsys.core.errors import DataError
from recsys.core.types import Float32Array, Floats
from recsys.data.chunks import chunks

Look = Callable[[Float32Array], tuple[float, ...]]
OfEach = Callable[[Look], Sequence[tuple[float, ...]]]

LARGEST_RATING = 1e15  # squares are summed in single precision
LEAST_STEPS = 4  # that single precision takes from the least to the largest rating


def is_too_large(rating: Floats) -> bool:
    """Whether a rating among these, some of which may be NaN, cannot be learned from or measured on."""
    return bool(len(rating)) and not is_between(rating, -LARGEST_RATING, LARGEST_RATING)


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of the training ratings, and the range that was seen, in rating units."""

    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def of(cls, rating: Float32Array) -> Scale:
        """The scale of ratings, float32, shape (n,); std is 1 where all of them are equal."""
        return cls.of_chunks(len(rating), lambda look: [look(rating[rows]) for rows in chunks(len(rating))])

    @classmethod
    def of_chunks(cls, n: int, of_each: OfEach) -> Scale:
        """The scale of n ratings.

        Args:
            of_each: gives what a function gives of each chunk, in their order.
        """
        sums = of_each(lambda part: (float(part.sum(dtype=np.float64)), float(part.min()), float(part.max())))
        mean = sum(total for total, _, _ in sums) / n
        squares = of_each(lambda part: (float(np.square(np.subtract(part, mean, dtype=np.float64)).sum()),))
        std = math.sqrt(sum(total for (total,) in squares) / n)
        return cls(mean, std or 1.0, min(low for _, low, _ in sums), max(high for _, _, high in sums))


@dataclass(frozen=True)
class Censoring:
    """The end of the scale at which more of the ratings are.

    Attributes:
        sign: 1 if that is the highest, −1 if the lowest.
        end: that rating.
        limit: half a step before it.
        share: how many of the ratings are there, 0 to 1.
    """

    sign: int
    end: float
    limit: float
    share: float

    @classmethod
    def of(cls, rating: Float32Array) -> Censoring:
        """The pile in ratings, float32, shape (n,); where all of them are equal, the step is 1."""
        shares = [float(np.mean(rating == end)) for end in (rating.min(), rating.max())]
        sign = 1 if shares[1] >= shares[0] else -1
        end = rating.max() if sign > 0 else rating.min()
        others = rating[rating != end]
        nearest = (others.max() if sign > 0 else others.min()) if len(others) else end - sign
        return cls(sign, float(end), 0.5 * (float(end) + float(nearest)), max(shares))


def check_size(low: float, high: float, path: Path) -> None:
    """Raises DataError where ratings are too large for sums of squares, or too close together for their size."""
    check_largest(low, high, path)
    step = np.spacing(np.float32(max(-low, high)))
    if 0 < high - low < LEAST_STEPS * step:
        raise DataError(
            f"the ratings, from {low:,.0f} to {high:,.0f}, are too large to tell them apart in single precision",
            where=str(path),
            expected=f"ratings of this size over a range of at least {LEAST_STEPS * step:,.0f}",
            hint=f"subtract {low:,.0f} from each",
        )


def check_largest(low: float, high: float, path: Path) -> None:
    """Raises DataError where ratings or counts are too large."""
    if max(-low, high) > LARGEST_RATING:
        raise too_large(f"the ratings reach from {low:g} to {high:g}", str(path))


def too_large(what: str, where: str) -> DataError:
    """The error for ratings that are."""
    return DataError(
        what,
        where=where,
        expected=f"ratings up to {LARGEST_RATING:g}",
        hint="is data.columns.rating the right column? if so, divide them by a number",
    )
