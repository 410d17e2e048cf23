"""Rows grouped by an index of each, in their order within a group: compiled, on several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from recsys.core.threads import usable_cores
from recsys.core.types import Array, Counts, Indices, Int64Array
from recsys.data.row_kernels import row_kernels

MOST_THREADS = 4  # each has a place in every group; more wait for memory
ROWS_PER_THREAD = 1 << 20


def grouped_columns(own: Indices, counts: Counts, columns: Sequence[Array]) -> list[Array]:
    """Columns of four bytes a row, each with the rows of group 0 first, then those of group 1, …

    Args:
        own: the group of each row, shape (n,), from 0.
        counts: how many rows each group has.
        columns: shapes (n,).
    """
    outs = [np.empty(len(own), dtype=column.dtype) for column in columns]
    scatter = row_kernels().scatter

    def work(rows: slice, place: Int64Array) -> None:
        for column, out in zip(columns, outs, strict=True):
            given = np.ascontiguousarray(column[rows]).view(np.uint32)
            scatter(np.ascontiguousarray(own[rows]), place.copy(), given, out.view(np.uint32))

    _by_rows(own, counts, work)
    return outs


def grouped_rows(own: Indices, counts: Counts) -> Int64Array:
    """The numbers of the rows in this order, int64, shape (n,): a stable argsort of `own`."""
    out = np.empty(len(own), dtype=np.int64)
    scatter = row_kernels().scatter_rows
    _by_rows(own, counts, lambda rows, place: scatter(np.ascontiguousarray(own[rows]), rows.start, place, out))
    return out


def has_repeats(own: Indices, counts: Counts, other: Indices, n_others: int) -> bool:
    """Whether a group has two rows of one `other`, int32, 0 … n_others − 1."""
    (grouped,) = grouped_columns(own, counts, [other.view(np.uint32)])
    start = _starts(counts)
    return _any_group(start, n_others, partial(row_kernels().has_repeats, start, grouped))


def has_repeats_beside(counts: Counts, other: Array, more_start: Int64Array, more: Array, n_others: int) -> bool:
    """The same for rows that are grouped, and other rows of the same groups among which no `other` is there twice.

    Args:
        more_start: where each group begins in `more`, and the end.
    """
    start = _starts(counts)
    columns = start, other.view(np.uint32), more_start, more.view(np.uint32)
    return _any_group(start, n_others, partial(row_kernels().has_repeats_beside, *columns))


def cut(columns: Sequence[Array], group_of: Indices, n_groups: int) -> tuple[Int64Array, Sequence[Array]]:
    """Where each group begins, and the end; and the columns with the rows of users of group 0 first, then group 1, …

    Args:
        columns: user, int32, and two others of four bytes a row.
        group_of: of each user.
    """
    start, outs = np.zeros(n_groups + 1, dtype=np.int64), [np.empty_like(column) for column in columns]
    user, *others = (np.ascontiguousarray(column) for column in columns)
    given, written = ([column.view(np.uint32) for column in each] for each in (others, outs))
    row_kernels().cut(user, *given, group_of, start, *written)
    return start, outs


def _any_group(start: Int64Array, n_others: int, look: Callable[[int, int, Array], bool]) -> bool:
    """Whether `look` finds anything: it gets groups first … end − 1, and a −1 for each other."""
    n_threads = min(usable_cores(), MOST_THREADS)
    edges = np.searchsorted(start, np.linspace(0, start[-1], n_threads + 1)).tolist()

    def work(groups: tuple[int, int]) -> bool:
        return bool(look(*groups, np.full(n_others, -1, dtype=np.int32)))

    with ThreadPoolExecutor(n_threads) as pool:
        return any(list(pool.map(work, pairwise(edges))))


def _starts(counts: Counts) -> Int64Array:
    return np.concatenate([[0], np.cumsum(counts)])


def _by_rows(own: Indices, counts: Counts, work: Callable[[slice, Int64Array], None]) -> None:
    """Does the work on ranges of rows side by side, each with the places of its rows in every group."""
    row_kernels()
    n_threads = max(1, min(usable_cores(), MOST_THREADS, len(own) // ROWS_PER_THREAD))
    ranges = [slice(*pair) for pair in pairwise(np.linspace(0, len(own), n_threads + 1, dtype=np.int64).tolist())]
    with ThreadPoolExecutor(n_threads) as pool:
        before = [pool.submit(np.bincount, own[rows], minlength=len(counts)) for rows in ranges[:-1]]
        places = [_starts(counts)[:-1]]
        for count in before:
            places.append(places[-1] + count.result())
        list(pool.map(work, ranges, places))
