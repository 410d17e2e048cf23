"""Rows cut into ranges of users, by way of files: memory for one range and a part of the rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from recsys.core.files import writing
from recsys.core.types import Array, Counts, Int64Array
from recsys.data.chunks import chunks
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions

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
        folder: for files as large as the rows, each of which is removed when it has been read.
    """
    n_ranges = len(first) - 1
    paths = [folder / f"range-{number}" for number in range(n_ranges)]
    sizes = [list[int]() for _ in paths]
    range_of_user = np.repeat(np.arange(n_ranges, dtype=np.int32), np.diff(first))
    for rows in chunks(len(ratings)):
        columns = [ratings.user_idx[rows], ratings.item_idx[rows], ratings.rating[rows]]
        own = range_of_user[columns[0]]
        counts = np.bincount(own, minlength=n_ranges)
        grouped = columns_by(own, counts, columns)
        for number, (start, stop) in enumerate(pairwise([0, *np.cumsum(counts).tolist()])):
            if stop > start:
                with writing(paths[number]), paths[number].open("ab", buffering=0) as file:
                    _write(file, [column[start:stop] for column in grouped])
                sizes[number].append(stop - start)
    for path, lengths in zip(paths, sizes, strict=True):
        yield _read(path, lengths, ratings)
        path.unlink(missing_ok=True)


def _write(file: BinaryIO, columns: list[Array]) -> None:
    file.writelines(np.ascontiguousarray(column).data for column in columns)


def _read(path: Path, lengths: list[int], like: Interactions) -> Interactions:
    """The rows that were written in pieces of these lengths."""
    kinds: list[Any] = [np.int32, np.int32, np.float32]
    columns = [np.empty(sum(lengths), dtype=kind) for kind in kinds]
    if lengths:
        with path.open("rb", buffering=0) as file:
            for start, stop in pairwise([0, *np.cumsum(lengths).tolist()]):
                for column in columns:
                    file.readinto(column[start:stop].view(np.uint8).data)
    user_idx, item_idx, rating = columns
    return replace(like, user_idx=user_idx, item_idx=item_idx, rating=rating, timestamp=None)
