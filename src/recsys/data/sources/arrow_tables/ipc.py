"""Files of Arrow's own format: record batches in a file (Feather version 2), and a stream of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.config.schema.data import Data
from recsys.data.sources.arrow_tables.damaged import damaged
from recsys.data.sources.arrow_tables.table import Rows, place_of, share_of, sliced
from recsys.data.sources.stored import size_of
from recsys.data.sources.streams import on_disk

if TYPE_CHECKING:
    import pyarrow as pa


class IpcFile:
    """An Arrow file, whose record batches can be shared out."""

    format = "arrow"
    description = "Arrow (Feather)"
    compression = None

    def __init__(self, path: Path, data: Data) -> None:
        """Reads what stands at its end: columns and record batches.

        Raises:
            DataError: the file is damaged.
        """
        self.path = path
        self.n_bytes = size_of(path)
        with damaged(path, "Arrow"), self._open(None) as file:
            self.schema: pa.Schema = file.schema
            self._n_batches: int = file.num_record_batches

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """The rows of some of the record batches."""
        wanted = [position for position, name in enumerate(self.schema.names) if name in names]
        batches = share_of(part, n_parts, self._n_batches)
        with damaged(self.path, "Arrow"), self._open(wanted) as file:
            first = sum(file.get_batch(number).num_rows for number in range(batches.start))
            for n_done, number in enumerate(batches):
                batch, n_read = file.get_batch(number), 0
                for columns in sliced(batch):
                    n_read += columns.num_rows
                    yield Rows(columns, first, (n_done + n_read / batch.num_rows) / len(batches))
                    first += columns.num_rows

    def place(self, row: int) -> str:
        """The number of a row, from 1."""
        return place_of(self.path, row)

    def _open(self, fields: list[int] | None) -> pa.RecordBatchFileReader:
        """The file with some of its columns; None: all."""
        import pyarrow as pa

        options = pa.ipc.IpcReadOptions(included_fields=fields)
        return pa.ipc.open_file(_mapped(self.path), options=options)


class IpcStream:
    """An Arrow stream in a file, which is read from its beginning: part 0 has all rows."""

    format = "arrow-stream"
    description = "Arrow, as a stream"
    compression = None

    def __init__(self, path: Path, data: Data) -> None:
        """Reads its columns.

        Raises:
            DataError: the file is damaged.
        """
        self.path = path
        self.n_bytes = size_of(path)
        with damaged(path, "Arrow"), _mapped(path) as file, _stream(file, None) as stream:
            self.schema: pa.Schema = stream.schema

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """All rows, for part 0."""
        if part:
            return
        wanted = [position for position, name in enumerate(self.schema.names) if name in names]
        first = 0
        with damaged(self.path, "Arrow"), _mapped(self.path) as file, _stream(file, wanted) as stream:
            for batch in stream:
                share = file.tell() / file.size()
                for columns in sliced(batch):
                    yield Rows(columns, first, share)
                    first += columns.num_rows

    def place(self, row: int) -> str:
        """The number of a row, from 1."""
        return place_of(self.path, row)


def _mapped(path: Path) -> pa.MemoryMappedFile:
    import pyarrow as pa

    return pa.memory_map(str(on_disk(path)))


def _stream(file: pa.MemoryMappedFile, fields: list[int] | None) -> pa.RecordBatchStreamReader:
    """A stream with some of its columns; None: all."""
    import pyarrow as pa

    return pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(included_fields=fields))
