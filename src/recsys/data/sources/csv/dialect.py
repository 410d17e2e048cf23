"""How a file is written: its delimiter, whether it has a header, and what the first rows look like."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import ConfigError, DataError
from recsys.data.sources.column_names import COMMON, COUNTS, plain
from recsys.data.sources.csv.text import Text
from recsys.data.sources.values import number

CANDIDATES = (",", "\t", ";", "|", "::", " ")
SAMPLE = 50  # rows that are looked at
KNOWN = frozenset(name for names in COMMON.values() for name in names) | {*COUNTS, "title", "name"}


@dataclass(frozen=True)
class Dialect:
    """How one file is written.

    Attributes:
        delimiter: what stands between two fields; only one of a single byte knows quotes.
        header: the names of the columns as in the file, None without a header.
        width: how many columns there are.
        head_lines: lines of the file before the first row, the header among them.
        head_bytes: how long those are in utf-8, a byte order mark not counted.
        sample: the first rows.
    """

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...] | None
    width: int
    head_lines: int
    head_bytes: int
    sample: tuple[tuple[str, ...], ...]


class BadQuotesError(Exception):
    """The line on which a row starts whose quotes make no sense, and why they do not."""


def find_dialect(path: Path, data: Data) -> Dialect:
    """Looks at the first lines of a file.

    Args:
        path: the file.
        data: delimiter, header and encoding, each possibly to be found out; names in `data.columns` tell a header.

    Raises:
        DataError: the file is not there, is empty or is not text.
    """
    with Text(path, data.encoding) as text:
        lines = list(islice(text, 4 * SAMPLE))
    delimiter = _delimiter(lines) if data.delimiter == "auto" else data.delimiter
    if set(delimiter) & set('"\r\n\0'):
        hint = 'such as "," or "\\t" or "::"; auto looks at the file'
        raise ConfigError(f"{delimiter!r} cannot stand between fields", where="data.delimiter", hint=hint)
    rows = list(_sample(lines, delimiter))
    if not rows:
        raise DataError("the file holds no rows", where=str(path), expected="a line for each rating")
    (_, head_lines), *_ = rows
    fields = [row for row, _ in rows]
    names = [column for column in data.columns.model_dump().values() if isinstance(column, str)]
    has_header = _has_header(fields, names) if data.header == "auto" else data.header
    return Dialect(
        path=path,
        encoding=data.encoding,
        delimiter=delimiter,
        header=fields[0] if has_header else None,
        width=len(fields[0]),
        head_lines=head_lines if has_header else 0,
        head_bytes=len("".join(lines[:head_lines]).encode()) if has_header else 0,
        sample=tuple(fields[1:] if has_header else fields),
    )


def knows_quotes(delimiter: str) -> bool:
    """Whether fields may be quoted: where the delimiter is one byte."""
    return len(delimiter.encode()) == 1


def rows_of(lines: Iterator[str], delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Each row that is not blank, with the number of the line on which it starts.

    Raises:
        BadQuotesError: a quote that is never closed, or that is followed by something else than the delimiter.
    """
    if not knows_quotes(delimiter):
        for line_number, line in enumerate(lines, start=1):
            if row := line.rstrip("\r\n"):
                yield row.split(delimiter), line_number
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            if fields:
                yield fields, start
            start = reader.line_num + 1
    except csv.Error as error:
        raise BadQuotesError(start, str(error)) from None


def _sample(lines: Sequence[str], delimiter: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The first rows as far as they can be read, each with the number of the line on which it ends."""
    if not knows_quotes(delimiter):
        full = ((line.rstrip("\r\n"), end) for end, line in enumerate(lines, start=1))
        yield from islice(((tuple(row.split(delimiter)), end) for row, end in full if row), SAMPLE)
        return
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        yield from islice(((tuple(row), reader.line_num) for row in reader if row), SAMPLE)
    except csv.Error:  # whoever reads the rows says where
        return


def _delimiter(lines: Sequence[str]) -> str:
    """The first candidate that cuts every line into the same number of fields, three or more if any does."""
    counts = {delimiter: [len(row) for row, _ in _sample(lines, delimiter)] for delimiter in CANDIDATES}
    even = {
        delimiter: widths[0]
        for delimiter, widths in counts.items()
        if widths and widths[0] > 1 and len(set(widths)) == 1
    }
    if not even:  # a ragged file: the reader will say which line
        even = {delimiter: widths[0] for delimiter, widths in counts.items() if widths and delimiter != " "}
    if even.get(" ", 0) == 2 and not all(map(_numeric, lines[0].split())):
        del even[" "]  # one column of names with a blank in them
    if len(even) > 1:
        even.pop(" ", None)
    return max(even, key=lambda delimiter: min(even[delimiter], 3), default=",")


def _numeric(text: str) -> bool:
    return number(text) is not None


def _has_header(rows: Sequence[Sequence[str]], names: Sequence[str]) -> bool:
    first = [field.strip() for field in rows[0]]
    if any(name.strip() in first for name in names):
        return True
    known = sum(plain(field) in KNOWN for field in first)
    if any(map(_numeric, first)):
        return known > 1
    return known > 0 or (any(map(_numeric, rows[1])) if len(rows) > 1 else len(first) > 2)
