"""Batches of a source, put together to whole columns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.core.errors import DataError
from recsys.core.memory import need_memory
from recsys.core.types import Array, Indices
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts, WholeIds, code_in_place
from recsys.data.sources.table import Coded, Table, TimeUnit, as_texts, remap

if TYPE_CHECKING:
    import pyarrow as pa

MOST_IDS = 2**31 - 1  # that codes can number
PENDING = 1 << 26  # bytes of ids of batches, beside as many as there are different ones, until they are put together
MARGIN = 1.01  # more rows than expected are made room for, since to grow an array once more is dear


def collect(batches: Iterator[Batch]) -> Table:
    """All rows as one table; its times are as in the source (see times.py)."""
    user, item, rating, timestamp = _Ids(), _Ids(), _Column(np.dtype(np.float32)), _Column(np.dtype(np.float64))
    time_unit: TimeUnit | None = None
    n_rows = 0
    for batch in batches:
        n_rows += batch.n_rows
        expected = int(MARGIN * n_rows / batch.share)
        need_memory(_least_bytes(batch, n_rows), "the ratings", "a part of them, a sample of users for example, may do")
        user.append(batch.user, expected)
        item.append(batch.item, expected)
        rating.append(batch.rating, expected)
        timestamp.append(batch.timestamp, expected)
        time_unit = batch.time_unit
        del batch  # so that the source can give its memory back
    with ThreadPoolExecutor() as pool:
        users, items = pool.map(_Ids.coded, (user, item))
    return Table(users, items, rating.array(), timestamp.array(), time_unit, n_rows)


def _least_bytes(batch: Batch, n_rows: int) -> int:
    """Of all rows, half of as many as the share that was read lets expect, since rows differ in length."""
    columns = (batch.user, batch.item, batch.rating, batch.timestamp)
    return int(n_rows / batch.share / 2) * 4 * sum(column is not None for column in columns)


class _Column:
    """A column that grows at its end, without a second copy (the allocator moves pages, not bytes)."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._array = np.empty(0, dtype=dtype)
        self._used = 0
        self._is_there = False

    def append(self, values: Array | None, expected: int, offset: int = 0) -> None:
        """Adds values, plus `offset`; the whole will have about `expected` rows. None: there is no such column."""
        if values is None:
            return
        self._is_there = True
        end = self._used + len(values)
        if not self._used:
            self._array = np.empty(max(end, expected), dtype=self._array.dtype)
        elif end > len(self._array):
            self._array.resize(max(end, expected), refcheck=False)
        new = self._array[self._used : end]
        new[:] = values
        if offset:
            new += offset
        self._used = end

    def so_far(self) -> Array:
        """What has been added."""
        return self._array[: self._used]

    def array(self) -> Any:
        """What was added, in place; None if there is no such column."""
        self._array.resize(self._used, refcheck=False)
        return self._array if self._is_there else None


class _Ids:
    """A column of ids that grows: whole numbers as they are, or codes with texts.

    The texts are a union of those of all batches so far, each once, and behind it those of the last batches end to end.
    """

    def __init__(self) -> None:
        self._values = _Column(np.dtype(np.int32))
        self._is_whole = True
        self._union = PackedTexts.of([])
        self._pending: list[PackedTexts] = []
        self._n_pending = self._pending_bytes = 0
        self._n_merged = 0  # rows whose codes are those of the union
        self._is_text = False

    def append(self, ids: CodedIds | WholeIds | None, expected: int) -> None:
        """Adds the ids of a batch."""
        if ids is None:
            return
        if isinstance(ids, WholeIds):
            if self._is_whole:
                self._values.append(ids.values, expected)
                return
            ids = ids.coded()
        if self._is_whole and len(values := self._values.so_far()):
            self._add_texts(PackedTexts.of(code_in_place(values)))
        self._is_whole = False
        self._make_room(ids.texts)
        self._values.append(ids.codes, expected, offset=len(self._union) + self._n_pending)
        self._add_texts(ids.texts)
        self._is_text |= ids.is_text

    def coded(self) -> Coded | None:
        """The column, its texts in order of first appearance."""
        if self._is_whole:
            values = self._values.array()
            return None if values is None else Coded(codes=values, texts=as_texts(code_in_place(values)))
        self._merge()
        return Coded(self._values.array(), as_texts(arrow_texts(self._union).to_pylist()), self._is_text)

    def _make_room(self, texts: PackedTexts) -> None:
        """Puts the texts together before so many are added that memory or codes run out.

        Raises:
            DataError: there are more different ids than codes.
        """
        is_much = self._pending_bytes + texts.n_bytes > PENDING + self._union.n_bytes
        if is_much or len(self._union) + self._n_pending + len(texts) > MOST_IDS:
            self._merge()
        if len(self._union) + len(texts) > MOST_IDS:
            raise DataError(f"a column has more than {MOST_IDS:,} different ids", expected="fewer users and items")

    def _add_texts(self, texts: PackedTexts) -> None:
        self._pending.append(texts)
        self._n_pending += len(texts)
        self._pending_bytes += texts.n_bytes

    def _merge(self) -> None:
        """Adds what is new in the last batches to the union; it keeps the order of first appearance."""
        codes = self._values.so_far()
        if len(self._pending) == 1 and not len(self._union):
            self._union = self._pending[0]
        elif self._pending:
            import pyarrow as pa

            texts = pa.chunked_array(list(map(arrow_texts, [self._union, *self._pending]))).combine_chunks()
            encoded = texts.dictionary_encode()
            new: Indices = np.from_dlpack(encoded.indices)  # type: ignore[assignment]  # int32 by Arrow's own rule
            remap(codes[self._n_merged :], new)
            self._union = packed_texts(encoded.dictionary)
        self._pending, self._n_pending, self._pending_bytes = [], 0, 0
        self._n_merged = len(codes)


def packed_texts(texts: pa.Array) -> PackedTexts:
    """Texts of type large_string, over Arrow's own memory."""
    _, offsets, utf8 = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return PackedTexts(np.frombuffer(utf8 or b"", dtype=np.uint8), ends)


def arrow_texts(texts: PackedTexts) -> pa.Array:
    """The texts as an Arrow array over the same memory."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.utf8)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
