"""What the numbers in a column of ratings look like: ratings, counts of events, or one number; codes for no rating."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.core.types import Counts, Floats, Times

Meaning = Literal["ratings", "counts", "clicks"]

MOST_STEPS = 500  # a scale with more is called continuous
LARGEST_WHOLE = 2.0**53
RESOLUTION = 10_000  # steps are multiples of 1/10000
LEAST_LARGE_COUNT = 20  # the usual scales of ratings that begin so low end before
TAIL = 10  # counts reach so many times their median, a scale of ratings does not
LONGEST_SCALE_FROM_1 = 10
BELOW = (-1, -9, -99, -999, -9999)  # codes below a scale from 0 on
ABOVE = {99: 10, 255: 100, 999: 100, 9999: 100}
"""Codes above a scale, and how high it reaches at most."""
LEAST_SHARE = 0.5  # of the rows that a rating has on the average, as a code above has them


@dataclass(frozen=True)
class Scale:
    """The ratings of a file; all differences are multiples of `step`, which is None for a continuous scale."""

    low: float
    high: float
    step: float | None
    mean: float


@dataclass(frozen=True)
class RatingValues:
    """The numbers in a column of ratings.

    Attributes:
        looks_like: "clicks" where all are equal.
        likely_codes: numbers that may stand for "no rating", the most usual first.
        share_of_codes: how many of the rows have one of them, 0 to 1.
    """

    scale: Scale
    looks_like: Meaning
    likely_codes: tuple[int, ...]
    share_of_codes: float

    @classmethod
    def of(cls, rating: Floats) -> RatingValues:
        """Of all rows that have a rating, at least one, float32, shape (n,)."""
        numbers, counts = np.unique(rating, return_counts=True)
        values = numbers.astype(np.float64)
        codes = _likely_codes(values, counts)
        return cls(
            scale=Scale(
                low=float(values[0]),
                high=float(values[-1]),
                step=_step(values) if 1 < len(values) <= MOST_STEPS + 1 else None,
                mean=float(rating.mean(dtype=np.float64)),
            ),
            looks_like="clicks" if len(values) == 1 else "counts" if _are_counts(values, counts, codes) else "ratings",
            likely_codes=codes,
            share_of_codes=float(counts[np.isin(values, codes)].sum() / counts.sum()),
        )


def _step(values: Times) -> float | None:
    """The largest number of which all distances are multiples; None if the scale then has more than 500 steps."""
    scaled = (values - values[0]) * RESOLUTION
    if scaled[-1] > LARGEST_WHOLE:
        return None
    offsets = np.rint(scaled).astype(np.int64)
    step = int(np.gcd.reduce(offsets))
    return step / RESOLUTION if offsets[-1] <= MOST_STEPS * step else None


def _are_counts(values: Times, counts: Counts, codes: tuple[int, ...]) -> bool:
    """Whether they are whole numbers from 1 with a long tail, codes aside."""
    is_other = ~np.isin(values, codes)
    values, counts = values[is_other], counts[is_other]
    median = values[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
    is_whole = bool((values == np.rint(values)).all())
    return is_whole and values[0] >= 1 and values[-1] > max(LEAST_LARGE_COUNT, TAIL * median)


def _likely_codes(values: Times, counts: Counts) -> tuple[int, ...]:
    """0 where the others are from 1 to 10 and their lowest is less frequent; codes below and above the scale."""
    is_other = ~np.isin(values, (0, *BELOW, *ABOVE))
    others = values[is_other]
    if len(others) < 2:
        return ()
    n_of = dict(zip(values.tolist(), counts.tolist(), strict=True))
    least = LEAST_SHARE * float(counts[is_other].mean())
    is_scale_from_1 = others[0] >= 1 and others[-1] <= LONGEST_SCALE_FROM_1
    is_likely = {
        0: is_scale_from_1 and n_of.get(0, 0) > n_of[others[0]],
        **dict.fromkeys(BELOW, others[0] >= 0),
        **{code: others[-1] <= highest and n_of.get(code, 0) >= least for code, highest in ABOVE.items()},
    }
    return tuple(code for code, likely in is_likely.items() if likely and code in n_of)
