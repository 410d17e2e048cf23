"""Interactions grouped by user or by item: compressed sparse rows, sorted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsys.core import kernels
from recsys.core.types import Array, Counts, Indices, Int64Array
from recsys.data.chunks import chunks

FEW = 1 << 12  # rows
KEY_BITS = 63  # of a sort key, which holds an index and a row


@dataclass(frozen=True, eq=False)
class GroupedView:
    """The interactions of each user, one user after the other; or of each item, with the names exchanged.

    Within a user, interactions keep the order of their rows.

    Attributes:
        start: int64, shape (n_users + 1,); user u has the interactions start[u] … start[u + 1] − 1, perhaps none.
        other_idx: int32, shape (n,), the item of each.
        sorted_rows: int64, shape (n,), the row of each; None where the rows are in this order already.
    """

    start: Int64Array
    other_idx: Indices
    sorted_rows: Int64Array | None

    @classmethod
    def of(cls, own: Indices, other: Indices, counts: Counts) -> GroupedView:
        """Groups the pairs by `own`.

        Args:
            own: index of each pair's user, shape (n,), 0 or more.
            other: of its item, shape (n,).
            counts: how often each user occurs, shape (n_users,).
        """
        start = np.concatenate([[0], np.cumsum(counts)])
        if _is_sorted(own):
            return cls(start, other, None)
        rows = _rows_by(own, counts)
        return cls(start, other[rows], rows)

    @property
    def counts(self) -> Counts:
        """Interactions of each user, int64, shape (n_users,)."""
        return np.diff(self.start)

    @cached_property
    def row(self) -> Int64Array:
        """The row of each interaction, int64, shape (n,)."""
        return np.arange(len(self.other_idx)) if self.sorted_rows is None else self.sorted_rows

    def pairs(self, users: Indices) -> tuple[Int64Array, Indices]:
        """The interactions of some users, as pairs: a position in `users`, and an item."""
        first, counts = self.start[users], self.start[users + 1] - self.start[users]
        ends = np.cumsum(counts)
        places = np.repeat(first - (ends - counts), counts) + np.arange(counts.sum())
        return np.repeat(np.arange(len(users)), counts), self.other_idx[places]


def _is_sorted(idx: Indices) -> bool:
    few = slice(0, min(FEW, len(idx)))  # most that are not sorted are not there already
    parts = (idx[rows.start : rows.stop + 1] for rows in (few, *chunks(len(idx))))
    return all(bool((part[1:] >= part[:-1]).all()) for part in parts)


def columns_by(own: Indices, counts: Counts, columns: Sequence[Array]) -> list[Array]:
    """Columns of four bytes a row in the order of a view by `own`, for who needs no more of it.

    Args:
        own, counts: as of `GroupedView.of`.
        columns: shapes (n,).
    """
    if _is_sorted(own):
        return list(columns)
    if kernels.are_worthwhile(len(own)):
        from recsys.data.counting_sort import grouped_columns

        return grouped_columns(own, counts, columns)
    rows = _rows_by(own, counts)
    return [column[rows] for column in columns]


def _rows_by(idx: Indices, counts: Counts) -> Int64Array:
    """The rows in the order of a stable argsort."""
    if kernels.are_worthwhile(len(idx)):
        from recsys.data.counting_sort import grouped_rows

        return grouped_rows(idx, counts)
    row_bits = max(len(idx) - 1, 0).bit_length()
    if row_bits + len(counts).bit_length() > KEY_BITS:
        return np.argsort(idx, kind="stable")
    # Sorting index and row as one number is several times as fast.
    keys = np.empty(len(idx), dtype=np.int64)
    np.left_shift(idx, row_bits, out=keys, dtype=np.int64)
    for start in range(0, len(idx), FEW):
        keys[start : start + FEW] |= np.arange(start, min(start + FEW, len(idx)))
    keys.sort()
    keys &= (1 << row_bits) - 1
    return keys
