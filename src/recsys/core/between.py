"""Numbers within bounds."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array


def is_between(array: Array, low: float, high: float) -> bool:
    """Whether all numbers of an array with some are from low to high, or NaN.

    np.fmin and np.fmax would forget what stands before a signaling NaN, which noise may hold.
    """
    with np.errstate(invalid="ignore"):
        least = array.min()
        if np.isnan(least):
            return not bool(((array < low) | (array > high)).any())
        return bool(least >= low and array.max() <= high)
