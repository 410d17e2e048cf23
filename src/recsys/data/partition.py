"""Rows cut into ranges of users, by way of files: memory for one range and a part of the rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.core import kernels
from recsys.core.types import Array, Counts, Floats, Indices, Int64Array
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions
from recsys.data.sources.spilled import ROW_COLUMNS, SpilledColumn

ROW_BYTES = 12  # user, item and rating


def user_ranges(counts: Counts, n_bytes: int) -> Int64Array:
    """The user at which each range begins, and the end: ranges of at most so many bytes of rows, or of one user."""
    first, filled = [0], 0
    for user, size in enumerate((ROW_BYTES * counts).tolist()):
        if filled and filled + size > n_bytes:
            first.append(user)
            filled = 0
        filled += size
    return np.array([*first, len(counts)], dtype=np.int64)


class UserRanges:
    """Files with the rows of each range of users.

    They may lie over those of `spill_rows` whose rows have been read: pages that the system has in its cache already
    take a tenth of the time of new ones.
    """

    def __init__(self, folder: Path, first: Int64Array) -> None:
        """
        Args:
            folder: for three columns as long as the rows.
            first: the user at which each range begins, and the end.
        """
        self._columns = [SpilledColumn(folder / name, kind) for name, kind in ROW_COLUMNS.items()]
        self._n_rows, self._n_ranges = 0, len(first) - 1
        self._range_of_user = np.repeat(np.arange(self._n_ranges, dtype=np.int32), np.diff(first))
        self._places: list[Array] = []  # of each part of the rows, where each range begins in it

    def append(self, user_idx: Indices, item_idx: Indices, rating: Floats) -> None:
        """Adds rows."""
        start, values = self._cut([user_idx, item_idx, rating])
        for column, grouped in zip(self._columns, values, strict=True):
            column.write(self._n_rows, grouped)
        self._places.append(self._n_rows + start)
        self._n_rows += len(rating)

    def read(self, number: int, train: Interactions) -> Interactions:
        """The rows of a range, in their order, without times; `train` has the vocabularies."""
        pieces = [slice(int(place[number]), int(place[number + 1])) for place in self._places]
        user_idx, item_idx, rating = (column.gather(pieces) for column in self._columns)
        return replace(train, user_idx=user_idx, item_idx=item_idx, rating=rating, timestamp=None)

    def _cut(self, columns: Sequence[Array]) -> tuple[Int64Array, Sequence[Array]]:
        """Where each range begins, and the end; and the columns, users first, range by range."""
        users = columns[0]
        if kernels.are_worthwhile(len(users)):
            from recsys.data.counting_sort import cut

            return cut(columns, self._range_of_user, self._n_ranges)
        own = self._range_of_user[users]
        counts = np.bincount(own, minlength=self._n_ranges)
        return np.concatenate([[0], np.cumsum(counts)]), columns_by(own, counts, columns)
