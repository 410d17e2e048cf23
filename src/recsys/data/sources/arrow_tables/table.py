"""What Arrow reads a table from: its schema, its rows in batches, and where a row stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 20  # converted at a time


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a table.

    Attributes:
        first: the number of the first of them, from 0.
        share: of the rows that are to be read, how many have been read with these, above 0 to 1.
    """

    columns: pa.RecordBatch
    first: int
    share: float


class ArrowTable(Protocol):
    """A table in a file, or in memory."""

    @property
    def path(self) -> Path:
        """The file, or what to call it in messages."""
        ...

    @property
    def format(self) -> str:
        """Its format in one word, for programs."""
        ...

    @property
    def description(self) -> str:
        """Its format, for people."""
        ...

    @property
    def compression(self) -> str | None:
        """How the file is compressed as a whole."""
        ...

    @property
    def n_bytes(self) -> int:
        """Its size."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Names and types of its columns."""
        ...

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """The named columns of one part of n_parts; the parts in order hold every row once, in order.

        Raises:
            DataError: the file is damaged.
        """
        ...

    def place(self, row: int) -> str:
        """Where a row, from 0, stands, for a message."""
        ...


def place_of(path: Path, row: int) -> str:
    """The number of a row, counted from 1; `row` counts from 0."""
    return f"{path}: row {row + 1}"


def sliced(columns: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows, ROWS at a time."""
    for start in range(0, columns.num_rows, ROWS):
        yield columns.slice(start, ROWS)


def share_of(part: int, n_parts: int, n: int) -> range:
    """Which of n pieces, from 0, are those of a part."""
    return range(part * n // n_parts, (part + 1) * n // n_parts)
