"""DataFrames and other tables in memory as sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.data.sources.arrow_tables.source import ArrowSource
from recsys.data.sources.arrow_tables.table import Rows, place_of, share_of, sliced
from recsys.data.sources.batches import Batch
from recsys.data.sources.collect import collect
from recsys.data.sources.origin import Frame, HeldFrame, name_of
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.stored import Digest, fingerprint
from recsys.data.sources.table import EVERYTHING

if TYPE_CHECKING:
    import pyarrow as pa

MEND = "in pandas: astype({COLUMN: str}) for mixed ids, rename(columns=…) for names, reset_index() for a Series"
EVERYTHING_THERE = ColumnRequest(EVERYTHING, optional=frozenset({"rating", "timestamp"}), as_trained=True)


def held(frame: Frame) -> HeldFrame:
    """The frame as an Arrow table; most columns are not copied.

    Raises:
        DataError: a column holds values of several types, or has the name of another one.
    """
    import pyarrow as pa

    if isinstance(frame, HeldFrame):
        return frame
    name = str(name_of(frame))
    try:
        return HeldFrame(name, pa.table(frame))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        what = f"a column cannot be read: {str(error).splitlines()[0]}"
        raise DataError(
            what, where=name, expected="columns of one type each, with names of their own", hint=MEND
        ) from error


class FrameTable:
    """A table in memory."""

    format = "frame"
    description = "a table in memory"
    compression = None

    def __init__(self, frame: Frame) -> None:
        self.path = name_of(frame)
        self._table = held(frame).table
        self.schema: pa.Schema = self._table.schema
        self.n_bytes: int = self._table.nbytes

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """The rows of some of the chunks."""
        batches = [piece for batch in self._table.select(names).to_batches() for piece in sliced(batch)]
        own = share_of(part, n_parts, len(batches))
        first = sum(batch.num_rows for batch in batches[: own.start])
        for n_done, number in enumerate(own, start=1):
            yield Rows(batches[number], first, n_done / len(own))
            first += batches[number].num_rows

    def place(self, row: int) -> str:
        """The number of a row, from 1."""
        return place_of(self.path, row)


class FrameSource:
    """A table in memory with a row for each rating."""

    is_repeatable = True

    def __init__(self, frame: Frame, data: Data, observe: Observer) -> None:
        self._source = ArrowSource(FrameTable(frame), data, observe)

    def layout(self, columns: ColumnRequest) -> Layout:
        """Its columns."""
        return self._source.layout(columns)

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """The rows of a part."""
        return self._source.batches(columns, part, n_parts)

    def locate(self, row: int) -> str:
        """The number of a row."""
        return self._source.locate(row)

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of users, items, ratings and times, however the table holds them."""
        table, whole = collect(self._source.batches(EVERYTHING_THERE, 0, 1)), hashlib.sha256()
        for ids in (table.user, table.item):
            assert ids is not None
            whole.update(ids.codes.tobytes())
            whole.update(repr((ids.is_text, ids.texts.tolist())).encode())
        for numbers in (table.rating, table.timestamp):
            whole.update(b"-" if numbers is None else numbers.tobytes())
        return whole.hexdigest()
