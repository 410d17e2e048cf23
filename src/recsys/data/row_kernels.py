"""The compiled steps of grouping rows by user or by item: counting sorts, stable, and a look at each group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from numba import types

from recsys.core.jit import compiled, readable


@dataclass(frozen=True)
class RowKernels:
    """Compiled functions; `own` is int32, what each row is grouped by, and `place` int64, where its next row goes.

    Attributes:
        scatter: (own, place, column, out): writes each row of a column of uint32 to the place of its group.
        scatter_rows: (own, first, place, out): the same with the numbers of the rows, from `first`, as int64.
        has_repeats: (start, other, first, end, seen) → whether one of the groups first … end − 1, which have the rows
            start[g] … start[g + 1] − 1 of `other`, has one number twice; seen: int32, −1, one for each number.
    """

    scatter: Callable[..., None]
    scatter_rows: Callable[..., None]
    has_repeats: Callable[..., bool]


@cache
def row_kernels() -> RowKernels:
    """The functions, compiled or from the cache."""
    idx, column, places = readable("int32"), readable("uint32"), types.int64[::1]
    return RowKernels(
        scatter=compiled(types.void(idx, places, column, types.uint32[::1]), name="scatter")(_scatter),
        scatter_rows=compiled(types.void(idx, types.int64, places, places), name="scatter_rows")(_scatter_rows),
        has_repeats=compiled(
            types.boolean(places, column, types.int64, types.int64, types.int32[::1]), name="has_repeats"
        )(_has_repeats),
    )


def _scatter(own: Any, place: Any, column: Any, out: Any) -> None:
    for row in range(len(own)):
        to = place[own[row]]
        place[own[row]] = to + 1
        out[to] = column[row]


def _scatter_rows(own: Any, first: Any, place: Any, out: Any) -> None:
    for row in range(len(own)):
        to = place[own[row]]
        place[own[row]] = to + 1
        out[to] = first + row


def _has_repeats(start: Any, other: Any, first: Any, end: Any, seen: Any) -> bool:
    for group in range(first, end):
        for row in range(start[group], start[group + 1]):
            if seen[other[row]] == group:
                return True
            seen[other[row]] = group
    return False
