"""Delimited text as a source: the fast reader, and the reference reader from the first row that is doubtful."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Loading, Observer, silent
from recsys.data.sources.batches import Batch
from recsys.data.sources.column_names import common_names
from recsys.data.sources.csv.arrow_reader import read_fast
from recsys.data.sources.csv.blocks import SLOW_BYTES, DoubtfulError
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.fields import knows_quotes
from recsys.data.sources.csv.no_row import one_column
from recsys.data.sources.csv.ranges import range_of
from recsys.data.sources.csv.reference_reader import read_slow, rows
from recsys.data.sources.csv.timestamp_format import with_timestamp_format
from recsys.data.sources.find_columns import find_columns, label
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.stored import WHOLE, Digest, compression, fingerprint, size_of
from recsys.data.sources.table import ROLES, Role


class CsvSource:
    """A text file with a row for each rating, also compressed."""

    is_repeatable = True

    def __init__(self, path: Path, data: Data, observe: Observer) -> None:
        """Looks at the first lines.

        Raises:
            DataError: it is empty or not text.
        """
        self.path = path
        self.dialect = find_dialect(path, data)
        self._columns, self._names = data.columns, common_names(data.rating_is)
        self._no_rating = NoRating.of(data.no_rating)
        self._observe = observe
        self._places = self._lines()

    def layout(self, columns: ColumnRequest) -> Layout:
        """Its columns, delimiter, header, encoding and compression."""
        positions = self._positions(columns)
        dialect = self.dialect = with_timestamp_format(self.dialect, positions)
        facts = {
            "compression": compression(self.path),
            "encoding": dialect.encoding,
            "delimiter": dialect.delimiter,
            "header": dialect.header is not None,
            "quotes": _quotes_key(dialect),
            "decimal": dialect.decimal,
            "timestamp_format": dialect.timestamp_format,
        }
        packed = f", {facts['compression']}" if facts["compression"] else ""
        header = _header_in_words(dialect)
        return Layout(
            columns={role: self._name(positions[role]) for role in ROLES if role in positions},
            names={
                role: label(position, dialect.header) if dialect.header else None
                for role, position in positions.items()
            },
            others=tuple(
                self._name(position) for position in range(dialect.width) if position not in positions.values()
            ),
            facts=facts,
            description=f"{header}, delimiter {dialect.delimiter!r}, {dialect.encoding}{packed}",
        )

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """The rows of a byte range; where the file cannot be cut (ranges.py), all rows are part 0's."""
        observe = self._observe
        positions = self._positions(columns)
        dialect = self.dialect = with_timestamp_format(self.dialect, positions)
        span = range_of(dialect, part, n_parts)
        if span is None:
            return
        n_rows = 0
        try:
            for batch in read_fast(dialect, positions, observe, span, self._no_rating):
                n_rows += batch.n_rows
                yield batch
        except DoubtfulError as doubt:
            n_fast = n_rows
            for batch in read_slow(dialect, positions, observe, span, n_fast, self._no_rating):
                if n_rows == n_fast and size_of(self.path) >= SLOW_BYTES:
                    observe(doubt.note(self.path, n_fast))
                n_rows += batch.n_rows
                yield batch
        if not n_rows and span == WHOLE:
            what = "there is a header and nothing below it"
            raise DataError(what, where=str(self.path), expected="rows below the header")
        size = size_of(self.path)
        observe(Loading(self.path, size, size))

    def locate(self, row: int) -> str:
        """The line on which a row starts."""
        number, line = next(self._places, (-1, 0))
        if number > row or number < 0:
            self._places = self._lines()
            number, line = next(self._places)
        while number < row:
            number, line = next(self._places)
        return f"{self.path}:{line}"

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of the bytes as stored."""
        return digest(self.path)

    def _positions(self, columns: ColumnRequest) -> dict[Role, int]:
        try:
            return find_columns(self.dialect, self._columns, columns, self._names)
        except DataError:
            if self.dialect.width > 1:
                raise
            raise one_column(self.dialect) from None

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Each row's number and line."""
        with self.dialect.text() as text:
            for number, (_, line) in enumerate(rows(self.dialect, text, silent)):
                yield number, line

    def _name(self, position: int) -> Column:
        """The name that finds a column, else its position from 1."""
        header = [name.strip() for name in self.dialect.header or ()]
        is_plain = bool(header) and bool(header[position]) and header.index(header[position]) == position
        return header[position] if is_plain else position + 1


def _header_in_words(dialect: Dialect) -> str:
    if dialect.header is None:
        return "no header"
    return f"a header, rows from line {dialect.head_lines + 1}" if dialect.head_lines > 1 else "a header"


def _quotes_key(dialect: Dialect) -> str | bool | None:
    """`data.quotes`, None where a config need not say it."""
    if dialect.quotes == "none" and knows_quotes(dialect.delimiter):
        return False
    return "backslash" if dialect.quotes == "backslash" else None
