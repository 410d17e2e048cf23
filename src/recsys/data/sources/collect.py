"""Batches of a source, put together to whole columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.core.memory import need_memory
from recsys.core.types import Array, Indices
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts, WholeIds, code_in_place
from recsys.data.sources.table import Coded, Table, TimeUnit, as_texts, remap

if TYPE_CHECKING:
    import pyarrow as pa

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
    return Table(user.coded(), item.coded(), rating.array(), timestamp.array(), time_unit, n_rows)


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
    """A column of ids that grows: whole numbers as they are, or codes with the texts of all batches end to end."""

    def __init__(self) -> None:
        self._values = _Column(np.dtype(np.int32))
        self._is_whole = True
        self._texts: list[PackedTexts] = []
        self._n_texts = 0
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
        self._values.append(ids.codes, expected, offset=self._n_texts)
        self._add_texts(ids.texts)
        self._is_text |= ids.is_text

    def coded(self) -> Coded | None:
        """The column, its texts in order of first appearance."""
        values = self._values.array()
        if values is None:
            return None
        if self._is_whole:
            return Coded(codes=values, texts=as_texts(code_in_place(values)))
        return replace(_unified(values, self._texts), is_text=self._is_text)

    def _add_texts(self, texts: PackedTexts) -> None:
        self._texts.append(texts)
        self._n_texts += len(texts)


def _unified(codes: Indices, texts: Sequence[PackedTexts]) -> Coded:
    """The texts once each, and codes into them, written over the given ones."""
    if len(texts) == 1:
        return Coded(codes, as_texts(arrow_texts(texts[0]).to_pylist()))
    import pyarrow as pa

    encoded = pa.chunked_array(list(map(arrow_texts, texts))).combine_chunks().dictionary_encode()
    indices: Indices = np.from_dlpack(encoded.indices)  # type: ignore[assignment]  # int32 by Arrow's own rule
    return Coded(remap(codes, indices), as_texts(encoded.dictionary.to_pylist()))


def arrow_texts(texts: PackedTexts) -> pa.Array:
    """The texts as an Arrow array over the same memory."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.utf8)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
