"""Columns that grow in files: as many rows as the disk has room for, with memory for a part of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recsys.core.files import writing
from recsys.core.types import Array, Ids, Indices
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
        places = Places(ids)
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


class Places:
    """Which of some rising numbers each number is."""

    def __init__(self, ids: Ids) -> None:
        """
        Args:
            ids: int64, rising.
        """
        self._ids, self._low = ids, int(ids[0]) if len(ids) else 0
        width = int(ids[-1]) - self._low + 1 if len(ids) else 0
        self._table: Indices | None = None
        if width <= WIDEST_TABLE:
            self._table = np.zeros(width, dtype=np.int32)
            self._table[ids - self._low] = np.arange(len(ids), dtype=np.int32)

    def of(self, values: Array) -> Indices:
        """Their places, int32; all of them are among the numbers."""
        if self._table is None:
            return np.searchsorted(self._ids, values).astype(np.int32)
        places: Indices = self._table[values - np.int32(self._low)]
        return places


def distinct_of(values: Array) -> Array:
    """The different numbers, rising; by a table where they lie close, else sorted."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if high - low >= WIDEST_TABLE:
        return np.unique(values)
    is_there = np.zeros(high - low + 1, dtype=bool)
    is_there[values - values.dtype.type(low)] = True
    present: Array = (np.flatnonzero(is_there) + low).astype(values.dtype)
    return present
