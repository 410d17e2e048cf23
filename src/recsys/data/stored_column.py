"""Columns of numbers in a file: a slice of one is read from disk, and checked, when it is asked for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recsys.core.between import is_between
from recsys.core.errors import DamagedError, RunError
from recsys.core.regular import open_regular
from recsys.core.types import Array, Int64Array
from recsys.data.chunks import CHUNK

Bounds: TypeAlias = "tuple[float, float | Int64Array]"


@dataclass(frozen=True, eq=False)
class StoredColumn:
    """A column that takes no memory. It is read part by part, and taken by slices like an array.

    Attributes:
        place: the file, absolute.
        shown: its path in messages.
        offset: bytes before the first number.
        dtype: of the numbers.
        start: int64, shape (n_parts + 1,); part p has the rows start[p] … start[p + 1] − 1.
        checksums: int64, shape (n_parts,), the crc32 of each; None where this process has just written them.
        bounds: the least and the largest number that may be there, or NaN; the largest may be one for each part.
            None: any.
    """

    place: Path
    shown: Path
    offset: int
    dtype: np.dtype[Any]
    start: Int64Array
    checksums: Int64Array | None
    bounds: Bounds | None = None

    nbytes = 0
    """Of memory, as arrays have it."""

    def __len__(self) -> int:
        return int(self.start[-1])

    @property
    def shape(self) -> tuple[int]:
        """As arrays have it."""
        return (len(self),)

    def __getitem__(self, rows: slice | Array) -> Array:
        if not isinstance(rows, slice):
            whole: Array = np.asarray(self)[rows]
            return whole
        first, stop, step = rows.indices(len(self))
        taken = []
        for number in range(len(self.start) - 1):
            low, end = int(self.start[number]), int(self.start[number + 1])
            begin = max(first, low + (first - low) % step)  # the first row of the slice that is not before the part
            if begin < min(end, stop):
                rows_of_part = self.part(number)[begin - low : stop - low : step]
                taken.append(rows_of_part if step == 1 else rows_of_part.copy())  # a view would keep all of the part
        if len(taken) == 1:
            return taken[0]
        return np.concatenate(taken) if taken else np.empty(0, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        column = np.empty(len(self), dtype=self.dtype)
        for number, low in enumerate(self.start[:-1].tolist()):
            column[low : int(self.start[number + 1])] = self.part(number)
        return column if dtype is None else column.astype(dtype, copy=False)

    def part(self, number: int) -> Array:
        """The numbers of a part.

        Raises:
            RunError: they cannot be read, or are not those that were written.
        """
        low, high = int(self.start[number]), int(self.start[number + 1])
        values = np.empty(high - low, dtype=self.dtype)
        memory = values.view(np.uint8).data if len(values) else memoryview(b"")
        try:
            with open_regular(self.place) as file:
                file.seek(self.offset + low * self.dtype.itemsize)
                if file.readinto(memory) < len(memory):
                    raise self.damaged("it was cut after it was opened")
        except OSError as error:
            raise RunError(f"cannot read: {error.strerror or error}", where=str(self.shown)) from error
        self.check(number, values)
        return values

    def check(self, number: int, values: Array) -> None:
        """Raises DamagedError for values of a part that are not those that were written, or that cannot be right."""
        if self.checksums is not None and zlib.crc32(values.data) != self.checksums[number]:
            raise self.damaged(f"part {number:,} of it does not have the checksum that was written")
        if self.bounds is not None and len(values):
            low, most = self.bounds
            high = most if isinstance(most, float | int) else int(most[number])
            if not is_between(values, low, high):
                raise self.damaged(f"a number in it is not between {low:,} and {high:,}")

    def damaged(self, why: str) -> DamagedError:
        """The error for what cannot be what was written."""
        return DamagedError(
            f"{self.shown.name} is damaged: {why}",
            where=str(self.shown),
            expected="the file as it was written",
            hint="recsys prepare writes the store again",
        )


def part_starts(n_rows: int) -> Int64Array:
    """Where the parts of a column begin that is read by `chunks`, and its end."""
    starts: Int64Array = np.append(np.arange(0, n_rows, CHUNK), n_rows)
    return starts
