"""Parquet files, whose row groups can be shared out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.config.schema.data import Data
from recsys.data.sources.arrow_tables.damaged import damaged
from recsys.data.sources.arrow_tables.table import ROWS, Rows, place_of, share_of
from recsys.data.sources.stored import size_of
from recsys.data.sources.streams import on_disk

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet


class ParquetTable:
    """A Parquet file."""

    format = "parquet"
    description = "Parquet"
    compression = None

    def __init__(self, path: Path, data: Data) -> None:
        """Reads what stands at its end: columns and row groups.

        Raises:
            DataError: the file is damaged.
        """
        from pyarrow import parquet

        self.path = path
        self.n_bytes = size_of(path)
        with damaged(path, "Parquet"):
            # Buffered ahead, the whole file would be held, for nothing that is gained on a local disk.
            self._file: parquet.ParquetFile = parquet.ParquetFile(on_disk(path), pre_buffer=False)

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of its columns."""
        return self._file.schema_arrow

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """The rows of some of the row groups."""
        groups = share_of(part, n_parts, self._file.num_row_groups)
        first = sum(self._n_rows(group) for group in range(groups.start))
        n_rows = sum(map(self._n_rows, groups))
        n_read = 0
        with damaged(self.path, "Parquet"):
            batches = self._file.iter_batches(batch_size=ROWS, row_groups=list(groups), columns=list(names))
            for columns in batches:
                n_read += columns.num_rows
                yield Rows(columns, first, n_read / n_rows)
                first += columns.num_rows

    def place(self, row: int) -> str:
        """The number of a row, from 1."""
        return place_of(self.path, row)

    def _n_rows(self, group: int) -> int:
        n_rows: int = self._file.metadata.row_group(group).num_rows
        return n_rows
