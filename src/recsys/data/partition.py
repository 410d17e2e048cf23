"""Rows cut into ranges of users, by way of files: memory for one range and a part of the rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.core.types import Array, Counts, Int64Array
from recsys.data.chunks import chunks
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


def by_user_range(ratings: Interactions, first: Int64Array, folder: Path) -> Iterator[Interactions]:
    """The rows of each range of users, in their order, without times.

    Args:
        ratings: perhaps on disk.
        first: the user at which each range begins, and the end.
        folder: for three columns as long as the rows, perhaps over those of `spill_rows`: pages that the system has in
            its cache already take a tenth of the time of new ones.
    """
    columns = [SpilledColumn(folder / name, kind) for name, kind in ROW_COLUMNS.items()]
    n_ranges = len(first) - 1
    range_of_user = np.repeat(np.arange(n_ranges, dtype=np.int32), np.diff(first))
    places: list[Array] = []  # of each part of the rows, where each range begins in it
    for rows in chunks(len(ratings)):
        values = [ratings.user_idx[rows], ratings.item_idx[rows], ratings.rating[rows]]
        own = range_of_user[values[0]]
        counts = np.bincount(own, minlength=n_ranges)
        for column, grouped in zip(columns, columns_by(own, counts, values), strict=True):
            column.write(rows.start, grouped)
        places.append(rows.start + np.concatenate([[0], np.cumsum(counts)]))
    for number in range(n_ranges):
        pieces = [slice(int(place[number]), int(place[number + 1])) for place in places]
        user_idx, item_idx, rating = (column.gather(pieces) for column in columns)
        yield replace(ratings, user_idx=user_idx, item_idx=item_idx, rating=rating, timestamp=None)
