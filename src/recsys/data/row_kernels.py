"""The compiled steps of looking ids up, and of grouping rows: counting sorts, stable, and a look at each group."""

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
        has_repeats_beside: (start, other, start of more, more, first, end, seen) → the same where a group has rows of
            `more` too, among which none is there twice.
        mark: (values, low, is_there): is_there[value − low] becomes True.
        look_up: (values, low, table, out): out has table[value − low].
        count: (values, low, table, is_in, counts): of the rows that are in, adds 1 to counts[table[value − low]].
        cut: (user, item, rating, group_of, start, user out, item out, rating out): writes the rows group by group, as
            users belong to these, and to `start`, which is 0, where each group begins, and the end.
    """

    scatter: Callable[..., None]
    scatter_rows: Callable[..., None]
    has_repeats: Callable[..., bool]
    has_repeats_beside: Callable[..., bool]
    mark: Callable[..., None]
    look_up: Callable[..., None]
    count: Callable[..., None]
    cut: Callable[..., None]


@cache
def row_kernels() -> RowKernels:
    """The functions, compiled or from the cache."""
    idx, column, places = readable("int32"), readable("uint32"), types.int64[::1]
    flags, out, size = readable("boolean"), types.uint32[::1], types.int64
    groups = (size, size, types.int32[::1])
    return RowKernels(
        scatter=compiled(types.void(idx, places, column, out), name="scatter")(_scatter),
        scatter_rows=compiled(types.void(idx, types.int64, places, places), name="scatter_rows")(_scatter_rows),
        has_repeats=compiled(types.boolean(places, column, *groups), name="has_repeats")(_has_repeats),
        has_repeats_beside=compiled(types.boolean(places, column, places, column, *groups), name="has_repeats_beside")(
            _has_repeats_beside
        ),
        mark=compiled(types.void(idx, size, types.boolean[::1]), name="mark")(_mark),
        look_up=compiled(types.void(idx, size, idx, types.int32[::1]), name="look_up")(_look_up),
        count=compiled(types.void(idx, size, idx, flags, places), name="count")(_count),
        cut=compiled(types.void(idx, column, column, idx, places, out, out, out), name="cut")(_cut),
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


def _has_repeats_beside(start: Any, other: Any, more_start: Any, more: Any, first: Any, end: Any, seen: Any) -> bool:
    for group in range(first, end):
        for row in range(start[group], start[group + 1]):
            if seen[other[row]] == group:
                return True
            seen[other[row]] = group
        for row in range(more_start[group], more_start[group + 1]):
            if seen[more[row]] == group:
                return True
    return False


def _mark(values: Any, low: Any, is_there: Any) -> None:
    for row in range(len(values)):
        is_there[values[row] - low] = True


def _look_up(values: Any, low: Any, table: Any, out: Any) -> None:
    for row in range(len(values)):
        out[row] = table[values[row] - low]


def _count(values: Any, low: Any, table: Any, is_in: Any, counts: Any) -> None:
    for row in range(len(values)):
        counts[table[values[row] - low]] += is_in[row]


def _cut(
    user: Any, item: Any, rating: Any, group_of: Any, start: Any, out_user: Any, out_item: Any, out_rating: Any
) -> None:
    for row in range(len(user)):
        start[group_of[user[row]] + 1] += 1
    for group in range(1, len(start)):
        start[group] += start[group - 1]
    place = start[:-1].copy()
    for row in range(len(user)):
        group = group_of[user[row]]
        to = place[group]
        place[group] = to + 1
        out_user[to] = user[row]
        out_item[to] = item[row]
        out_rating[to] = rating[row]
