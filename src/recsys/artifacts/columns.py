"""Files of one long array, written from its beginning to its end and read part by part: no array is held whole."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from recsys.artifacts.arrays import CODES, only_tensor
from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import damaged
from recsys.artifacts.verified import reading
from recsys.core.direct import DirectWriter
from recsys.core.types import Array, Int64Array
from recsys.data.chunks import CHUNK
from recsys.data.stored_column import Bounds, StoredColumn

VALUES = "values"  # the name of the array in its file


class ColumnWriter:
    """A safetensors file that grows. Its numbers are cut into parts, each with a checksum of its own.

    Attributes:
        checksums: the crc32 of each part so far.
    """

    def __init__(self, path: Path, dtype: Any, n_rows: int, *, is_read_again: bool = True) -> None:
        """
        Args:
            n_rows: that will be written.
            is_read_again: soon: it is written through the page cache then.
        """
        self._dtype, self._n_left, self._digest = np.dtype(dtype), n_rows, hashlib.sha256()
        self.checksums: list[int] = []
        self._waiting = np.empty(CHUNK, dtype=self._dtype)
        self._n_waiting = self._n_bytes = 0
        self._file = path.open("wb") if is_read_again else DirectWriter(path)
        size = self._dtype.itemsize * n_rows
        header = {VALUES: {"dtype": CODES[self._dtype], "shape": [n_rows], "data_offsets": [0, size]}}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._write(len(text).to_bytes(8, "little") + text)

    def append(self, values: Array) -> None:
        """Adds numbers; parts are of as many rows as `chunks` has."""
        while len(values):
            n = min(len(values), CHUNK - self._n_waiting)
            self._waiting[self._n_waiting : self._n_waiting + n] = values[:n]
            self._n_waiting += n
            values = values[n:]
            if self._n_waiting == CHUNK:
                self._flush()

    def append_part(self, values: Array) -> None:
        """Adds numbers that are a part by themselves."""
        assert values.dtype.itemsize == self._dtype.itemsize
        self._n_left -= len(values)
        memory = np.ascontiguousarray(values).view(np.uint8).data
        self._write(memory)
        self.checksums.append(zlib.crc32(memory))

    def close(self) -> FileEntry:
        """Ends the file, which has all rows then; returns its size and checksum."""
        if self._n_waiting:
            self._flush()
        self._file.close()
        assert self._n_left == 0
        return FileEntry(bytes=self._n_bytes, sha256=self._digest.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _flush(self) -> None:
        self.append_part(self._waiting[: self._n_waiting])
        self._n_waiting = 0

    def _write(self, content: bytes | memoryview) -> None:
        self._file.write(content)
        self._digest.update(content)
        self._n_bytes += len(content)


def stored_column(
    path: Path,
    shown: Path,
    dtype: Any,
    start: Int64Array,
    checksums: Int64Array | None,
    bounds: Bounds | None = None,
) -> StoredColumn:
    """A column that was written by a ColumnWriter.

    Args, as of StoredColumn.
    Raises:
        RunError: its file is of another type or length.
    """
    kind, n_rows = np.dtype(dtype), int(start[-1])
    with reading(shown):
        offset, tensor = only_tensor(path, shown)
    if tensor["dtype"] != CODES[kind] or math.prod(tensor["shape"]) != n_rows:
        raise damaged(shown, f"it does not hold {n_rows:,} numbers of type {kind.name}")
    return StoredColumn(path, shown, offset, kind, start, checksums, bounds)
