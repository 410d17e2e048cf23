"""Columns that grow in files: as many rows as the disk has room for, with memory for a part of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsys.core import kernels
from recsys.core.files import writing
from recsys.core.types import Array, BoolArray, Counts, Ids, Indices
from recsys.data.chunks import chunks
from recsys.data.sources.table import remap

ROW_COLUMNS: dict[str, Any] = {"user": np.int32, "item": np.int32, "rating": np.float32}
"""The columns of rows that are on their way to a store."""
WIDEST_TABLE = 1 << 24  # from the least number to the largest, of which a table holds what each stands for
MOST_WAITING = 1 << 22  # distinct numbers of parts that are not put together yet


class SpilledColumn:
    """Numbers in a file; those of ids are GrowingNumbers."""

    def __init__(self, path: Path, dtype: Any) -> None:
        self._path, self._dtype, self._n = path, np.dtype(dtype), 0
        with writing(path):
            path.touch()

    def __len__(self) -> int:
        return self._n

    def append(self, values: Array, _expected: int = 0, offset: int = 0) -> None:
        """Adds values, plus `offset`."""
        self.write(self._n, values + self._dtype.type(offset) if offset else values)
        self._n += len(values)

    def read(self, rows: slice) -> Array:
        """The numbers of some rows, start … stop − 1."""
        return self.gather([rows])

    def gather(self, pieces: Sequence[slice]) -> Array:
        """The numbers of some rows, piece after piece."""
        values = np.empty(sum(rows.stop - rows.start for rows in pieces), dtype=self._dtype)
        with writing(self._path), self._path.open("rb", buffering=0) as file:
            start = 0
            for rows in pieces:
                stop = start + rows.stop - rows.start
                if stop > start:
                    file.seek(rows.start * self._dtype.itemsize)
                    file.readinto(values[start:stop].view(np.uint8).data)
                start = stop
        return values

    def remap(self, first: int, new: Indices) -> None:
        """Writes new[code] over each code, from a row on."""
        for rows in chunks(self._n - first):
            place = slice(first + rows.start, first + rows.stop)
            self.write(place.start, remap(self.read(place), new))

    def code(self) -> list[str]:
        """Writes over each number which of the distinct ones it is; these, rising."""
        ids = self.distinct()
        places = Places.among(ids)
        for rows in chunks(self._n):
            self.write(rows.start, places.of(self.read(rows)))
        return list(map(str, ids.tolist()))

    def distinct(self) -> Ids:
        """The different numbers, rising, int64."""
        seen, waiting, n_waiting = np.empty(0, dtype=self._dtype), list[Array](), 0
        for values in self._parts():
            waiting.append(distinct_of(values))
            n_waiting += len(waiting[-1])
            if n_waiting > max(MOST_WAITING, len(seen)):
                seen, waiting, n_waiting = distinct_of(np.concatenate([seen, *waiting])), [], 0
        return distinct_of(np.concatenate([seen, *waiting])).astype(np.int64)

    def _parts(self) -> Iterator[Array]:
        return (self.read(rows) for rows in chunks(self._n))

    def write(self, first: int, values: Array) -> None:
        """Writes the numbers of rows from `first` on."""
        content = np.ascontiguousarray(values, dtype=self._dtype).view(np.uint8).data
        with writing(self._path), self._path.open("r+b", buffering=0) as file:
            file.seek(first * self._dtype.itemsize)
            while content:
                content = content[file.write(content) :]


@dataclass(frozen=True, eq=False)
class Places:
    """The place of each number.

    Attributes:
        ids: rising numbers, of which a place is the position; without a table.
        low, table: the place of `number` is table[number − low], int32.
    """

    ids: Ids | None
    low: int = 0
    table: Indices | None = None

    @classmethod
    def among(cls, ids: Ids) -> Places:
        """Positions among rising numbers, int64."""
        low, width = (int(ids[0]), int(ids[-1]) - int(ids[0]) + 1) if len(ids) else (0, 0)
        if width > WIDEST_TABLE:
            return cls(ids)
        table = np.zeros(width, dtype=np.int32)
        table[ids - low] = np.arange(len(ids), dtype=np.int32)
        return cls(None, low, table)

    def of(self, values: Array) -> Indices:
        """Their places, int32; all of them have one."""
        if self.table is None:
            assert self.ids is not None
            return np.searchsorted(self.ids, values).astype(np.int32)
        if not kernels.are_worthwhile(len(values)):
            places: Indices = self.table[values - np.int32(self.low)]
            return places
        from recsys.data.row_kernels import row_kernels

        places = np.empty(len(values), dtype=np.int32)
        row_kernels().look_up(values, self.low, self.table, places)
        return places

    def count(self, values: Array, is_in: BoolArray, counts: Counts) -> None:
        """Adds 1 at the place of each number that is in."""
        if self.table is not None and kernels.are_worthwhile(len(values)):
            from recsys.data.row_kernels import row_kernels

            row_kernels().count(values, self.low, self.table, is_in, counts)
        else:
            counts += np.bincount(self.of(values)[is_in], minlength=len(counts))


def distinct_of(values: Array) -> Array:
    """The different numbers, rising; by a table where they lie close, else sorted."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if high - low >= WIDEST_TABLE:
        return np.unique(values)
    is_there = np.zeros(high - low + 1, dtype=bool)
    if kernels.are_worthwhile(len(values)) and values.dtype == np.int32:
        from recsys.data.row_kernels import row_kernels

        row_kernels().mark(values, low, is_there)
    else:
        is_there[values - values.dtype.type(low)] = True
    present: Array = (np.flatnonzero(is_there) + low).astype(values.dtype)
    return present
