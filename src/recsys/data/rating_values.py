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
LEAST_TAIL = 0.01  # of the rows: fewer above a scale are mistakes, and no tail of counts
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
        outlier: the lowest of a few ratings far above a scale of which all others are; None: there are none.
    """

    scale: Scale
    looks_like: Meaning
    likely_codes: tuple[int, ...]
    share_of_codes: float
    outlier: float | None

    @classmethod
    def of(cls, rating: Floats) -> RatingValues:
        """Of all rows that have a rating, at least one, float32, shape (n,)."""
        numbers, counts = np.unique(rating, return_counts=True)
        values = numbers.astype(np.float64)
        codes = _likely_codes(values, counts)
        tail = _tail(values, counts, codes)
        are_counts = tail is not None and not _is_outlier(tail, values, counts)
        return cls(
            scale=Scale(
                low=float(values[0]),
                high=float(values[-1]),
                step=_step(values) if 1 < len(values) <= MOST_STEPS + 1 else None,
                mean=float(rating.mean(dtype=np.float64)),
            ),
            looks_like="clicks" if len(values) == 1 else "counts" if are_counts else "ratings",
            likely_codes=codes,
            share_of_codes=float(counts[np.isin(values, codes)].sum() / counts.sum()),
            outlier=None if are_counts else tail,
        )


def _step(values: Times) -> float | None:
    """The largest number of which all distances are multiples; None if the scale then has more than 500 steps."""
    scaled = (values - values[0]) * RESOLUTION
    if scaled[-1] > LARGEST_WHOLE:
        return None
    offsets = np.rint(scaled).astype(np.int64)
    step = int(np.gcd.reduce(offsets))
    return step / RESOLUTION if offsets[-1] <= MOST_STEPS * step else None


def _tail(values: Times, counts: Counts, codes: tuple[int, ...]) -> float | None:
    """Where the long tail of whole numbers from 1 begins, codes aside; None if they have none."""
    is_other = ~np.isin(values, codes)
    values, counts = values[is_other], counts[is_other]
    median = values[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
    is_whole = bool((values == np.rint(values)).all())
    tail = values[values > max(LEAST_LARGE_COUNT, TAIL * median)]
    return float(tail[0]) if is_whole and values[0] >= 1 and len(tail) else None


def _is_outlier(tail: float, values: Times, counts: Counts) -> bool:
    """Whether a tail is of a few rows, and all others keep to a usual scale."""
    is_above = values >= tail
    share = counts[is_above].sum() / counts.sum()
    return bool(share < LEAST_TAIL and values[~is_above][-1] <= LONGEST_SCALE_FROM_1)


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
