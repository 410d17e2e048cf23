"""Ratings that come after training, against the scale of the training ratings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer
from recsys.core.types import Array, BoolArray
from recsys.core.words import counted

LEAST = 20  # ratings, all in one half of a scale, that look like another one


def refuse_outside_scale(bundle: Bundle, rating: Array, locate: Callable[[int], str]) -> None:
    """Refuses ratings on another scale than the training ratings, which would be taken for very strong opinions.

    Args:
        locate: where a row stands.
    Raises:
        DataError: a rating lies outside the range of the training ratings.
    """
    rows = np.flatnonzero(_is_outside(bundle, rating))
    if not len(rows):
        return
    scale, row = bundle.scale, int(rows[0])
    raise DataError(
        f"the rating {rating[row]:g} lies outside the rating scale of the run",
        where=locate(row),
        expected=f"ratings from {scale.low:g} to {scale.high:g}",
        hint="bring the ratings to the scale that the run was trained on",
    )


def note_other_scale(bundle: Bundle, rating: Array, observe: Observer) -> None:
    """Says that ratings may be on another scale than the training ratings, where they look like it."""
    given = rating[~np.isnan(rating)]
    n_outside = n_outside_scale(bundle, given)
    if not bundle.data.has_ratings or not len(given):
        return
    scale = bundle.scale
    own = f"the rating scale of the run, {scale.low:g} to {scale.high:g}"
    check = "if they are on another scale, convert them first"
    if n_outside:
        observe(Note(f"{n_outside:,} of {counted(len(given), 'rating')} are outside {own}: {check}"))
    elif len(given) >= LEAST and given.max() <= (scale.low + scale.high) / 2:
        rows = counted(len(given), "rating")
        observe(Note(f"all {rows}, up to {given.max():g}, are in the lower half of {own}: {check}"))


def n_outside_scale(bundle: Bundle, rating: Array) -> int:
    """Ratings outside the range of the training ratings: they may be on another scale."""
    return int(np.count_nonzero(_is_outside(bundle, rating)))


def _is_outside(bundle: Bundle, rating: Array) -> BoolArray:
    if not bundle.data.has_ratings:
        return np.zeros(len(rating), dtype=bool)
    scale = bundle.scale
    return np.asarray((rating < scale.low) | (rating > scale.high), np.bool_)
