"""Interactions grouped by user or by item: compressed sparse rows, sorted once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsys.core.types import Counts, Indices, Int64Array
from recsys.data.chunks import chunks

HALF = 32  # bits of a sort key that hold the row


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
        rows = _rows_by(own)
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
    return all(bool((np.diff(idx[rows.start : rows.stop + 1]) >= 0).all()) for rows in chunks(len(idx)))


def _rows_by(idx: Indices) -> Int64Array:
    """The rows in the order of a stable argsort of up to 2³² of them."""
    # Sorting index and row as one number is several times as fast.
    keys = np.empty(len(idx), dtype=np.int64)
    for rows in chunks(len(idx)):
        np.left_shift(idx[rows], HALF, out=keys[rows], dtype=np.int64)
        keys[rows] |= np.arange(rows.start, rows.stop)
    keys.sort()
    keys &= (1 << HALF) - 1
    return keys
