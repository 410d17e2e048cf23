"""Batches of a source, put together to whole columns."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from recsys.core.memory import need_memory
from recsys.core.types import Array, Indices
from recsys.data.sources.batches import Batch, code_in_place
from recsys.data.sources.id_column import IdColumn
from recsys.data.sources.table import Coded, Table, TimeUnit, as_texts, remap

MARGIN = 1.01  # more rows than expected are made room for, since to grow an array once more is dear


def collect(batches: Iterator[Batch]) -> Table:
    """All rows as one table; its times are as in the source (see times.py)."""
    ids = _Column(np.dtype(np.int32)), _Column(np.dtype(np.int32))
    user, item = map(IdColumn, ids)
    rating, timestamp = _Column(np.dtype(np.float32)), _Column(np.dtype(np.float64))
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
        users, items = pool.map(_coded, (user, item), ids)
    return Table(users, items, rating.array(), timestamp.array(), time_unit, n_rows)


def _least_bytes(batch: Batch, n_rows: int) -> int:
    """Of all rows, half of as many as the share that was read lets expect, since rows differ in length."""
    columns = (batch.user, batch.item, batch.rating, batch.timestamp)
    return int(n_rows / batch.share / 2) * 4 * sum(column is not None for column in columns)


def _coded(ids: IdColumn, values: _Column) -> Coded | None:
    """The column, its texts in order of first appearance."""
    if not values.is_there:
        return None
    texts = ids.texts()
    if texts is None:
        texts = values.code()
    return Coded(values.array(), as_texts(texts), ids.is_text)


class _Column:
    """A column that grows at its end, without a second copy (the allocator moves pages, not bytes)."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._array = np.empty(0, dtype=dtype)
        self._used = 0
        self.is_there = False

    def append(self, values: Array | None, expected: int, offset: int = 0) -> None:
        """Adds values, plus `offset`; the whole will have about `expected` rows. None: there is no such column."""
        if values is None:
            return
        self.is_there = True
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

    def __len__(self) -> int:
        return self._used

    def remap(self, first: int, new: Indices) -> None:
        """Writes new[code] over each code, from a row on."""
        remap(self._array[first : self._used], new)

    def code(self) -> list[str]:
        """Writes over each number which of the distinct ones it is; these, in order of first appearance."""
        return code_in_place(self._array[: self._used])

    def array(self) -> Any:
        """What was added, in place; None if there is no such column."""
        self._array.resize(self._used, refcheck=False)
        return self._array if self.is_there else None
