"""Ratings that come after training, against the scale of the training ratings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import DataError
from recsys.core.types import Array


def refuse_outside_scale(bundle: Bundle, rating: Array, locate: Callable[[int], str]) -> None:
    """Refuses ratings on another scale than the training ratings, which would be taken for very strong opinions.

    Args:
        locate: where a row stands.
    Raises:
        DataError: a rating lies outside the range of the training ratings.
    """
    if not n_outside_scale(bundle, rating):
        return
    scale = bundle.scale
    row = int(np.flatnonzero((rating < scale.low) | (rating > scale.high))[0])
    raise DataError(
        f"the rating {rating[row]:g} lies outside the rating scale of the run",
        where=locate(row),
        expected=f"ratings from {scale.low:g} to {scale.high:g}",
        hint="bring the ratings to the scale that the run was trained on",
    )


def n_outside_scale(bundle: Bundle, rating: Array) -> int:
    """Ratings outside the range of the training ratings: they may be on another scale."""
    if not bundle.data.has_ratings:
        return 0
    scale = bundle.scale
    return int(np.count_nonzero((rating < scale.low) | (rating > scale.high)))
