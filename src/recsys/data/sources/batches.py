"""Columns of a source as it is read, some rows at a time: ids as codes, and the texts of each batch for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recsys.core.types import Floats, Indices, Int32Array, Int64Array, Times, UInt8Array
from recsys.data.chunks import chunks
from recsys.data.sources.table import TimeUnit

MOST_ROWS = 2**31 - 1  # that int32 can number


@dataclass(frozen=True, eq=False)
class PackedTexts:
    """Texts as their bytes in utf-8, one after the other.

    Attributes:
        utf8: uint8, shape (n_bytes,).
        offsets: int64, shape (n + 1,); text k is utf8[offsets[k]] … utf8[offsets[k + 1] − 1].
    """

    utf8: UInt8Array
    offsets: Int64Array

    @classmethod
    def of(cls, texts: list[str]) -> PackedTexts:
        """Texts as they are in Python."""
        encoded = [text.encode() for text in texts]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_bytes(self) -> int:
        """The size of the arrays."""
        return self.utf8.nbytes + self.offsets.nbytes

    def to_list(self) -> list[str]:
        """The texts as they are in Python."""
        whole = self.utf8.tobytes()
        return [whole[start:end].decode() for start, end in pairwise(self.offsets.tolist())]


@dataclass(frozen=True, eq=False)
class CodedIds:
    """The ids of some rows.

    Attributes:
        codes: int32, shape (n,), which of `texts` each row holds.
        texts: each id once, in order of first appearance in these rows.
        is_text: whether the source says that its ids are texts; then they stay texts if all are written as numbers.
    """

    codes: Indices
    texts: PackedTexts
    is_text: bool = False


@dataclass(frozen=True, eq=False)
class WholeIds:
    """The ids of some rows where all of them are whole numbers, written as Python writes them.

    Attributes:
        values: int32, shape (n,); ids that do not fit are texts.
    """

    values: Int32Array

    def coded(self) -> CodedIds:
        """The same ids as texts."""
        codes = self.values.copy()
        return CodedIds(codes, PackedTexts.of(code_in_place(codes)))


def code_in_place(values: Int32Array) -> list[str]:
    """Writes over each number which of the distinct ones it is, and returns these in order of first appearance.

    Where the numbers lie close, a table says where each is first, and takes no more memory than they; else Arrow's hash
    table does, in four times as long.
    """
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if high - low >= len(values) or len(values) > MOST_ROWS:
        return _code_by_hash(values)
    first = np.full(high - low + 1, len(values), dtype=np.int32)
    for rows in reversed(list(chunks(len(values)))):  # of several values for one place NumPy keeps the last
        first[values[rows][::-1] - low] = np.arange(rows.stop - 1, rows.start - 1, -1, dtype=np.int32)
    present = np.flatnonzero(first < len(values))
    in_order = present[np.argsort(first[present])]
    first[in_order] = np.arange(len(in_order), dtype=np.int32)
    for rows in chunks(len(values)):
        np.take(first, values[rows] - low, out=values[rows], mode="clip")
    return list(map(str, (in_order + low).tolist()))


def _code_by_hash(values: Int32Array) -> list[str]:
    import pyarrow as pa

    buffers = [None, pa.py_buffer(values)]  # pa.array would import pandas
    encoded = pa.Array.from_buffers(pa.int32(), len(values), buffers).dictionary_encode()
    values[:] = np.from_dlpack(encoded.indices)
    return list(map(str, encoded.dictionary.to_pylist()))


@dataclass(frozen=True, eq=False)
class Batch:
    """Some rows of a source; None for the columns that were not asked for, and for those that the source has not.

    Attributes:
        rating: float32, shape (n,), in the units of the source.
        timestamp: float64, shape (n,), as in the source where it gives numbers (see times.py), else in seconds.
        time_unit: what the source gives times in.
        share: of what is to be read, how much has been read with this batch, above 0 to 1.
    """

    user: CodedIds | WholeIds | None
    item: CodedIds | WholeIds | None
    rating: Floats | None
    timestamp: Times | None
    time_unit: TimeUnit | None
    n_rows: int
    share: float
