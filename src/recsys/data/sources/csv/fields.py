"""Cuts lines into rows of fields, by a delimiter and a way to quote."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal

Quotes = Literal["double", "backslash", "none"]
"""How a quote stands in a quoted field: doubled, or behind a backslash; none: a quote is a letter like any other."""

LONGEST_FIELD = 16 << 20  # bytes; the csv module's own limit is a process's, and may only rise here
BLANK = " "  # as a delimiter: one or more of them, or of tabs, those at the ends of a line not counted


class BadQuotesError(Exception):
    """The line on which a row starts whose quotes make no sense, and why they do not."""


def knows_quotes(delimiter: str) -> bool:
    """Whether fields may be quoted: where the delimiter is one byte."""
    return len(delimiter.encode()) == 1


def rows_of(lines: Iterator[str], delimiter: str, quotes: Quotes) -> Iterator[tuple[list[str], int]]:
    """Each row that is not blank, with the number of the line on which it starts.

    Raises:
        BadQuotesError: a quote that is never closed, or that is followed by something else than the delimiter.
    """
    if quotes == "none":
        for line_number, line in enumerate(lines, start=1):
            if row := _split(line, delimiter):
                yield row, line_number
        return
    reader = _reader(lines, delimiter, quotes, strict=True)
    start = 1
    try:
        for fields in reader:
            if fields:
                yield fields, start
            start = reader.line_num + 1
    except csv.Error as error:
        raise BadQuotesError(start, str(error)) from None


def sample_rows(lines: Sequence[str], delimiter: str, quotes: Quotes, n: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """The first n rows as far as they can be read, each with the number of the line on which it ends."""
    if quotes == "none":
        full = ((_split(line, delimiter), end) for end, line in enumerate(lines, start=1))
        yield from islice(((tuple(row), end) for row, end in full if row), n)
        return
    reader = _reader(lines, delimiter, quotes, strict=False)
    try:
        yield from islice(((tuple(row), reader.line_num) for row in reader if row), n)
    except csv.Error:  # whoever reads the rows says where
        return


def _split(line: str, delimiter: str) -> list[str]:
    row = line.rstrip("\r\n")
    if delimiter == BLANK:
        return [field for field in row.replace("\t", BLANK).split(BLANK) if field]
    return row.split(delimiter) if row else []


def _reader(lines: Iterable[str], delimiter: str, quotes: Quotes, *, strict: bool) -> Any:
    """A reader of the csv module, whose type has no public name."""
    is_blank = delimiter == BLANK
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
    return csv.reader(
        (line.replace("\t", BLANK).rstrip(" \r\n") + "\n" for line in lines) if is_blank else lines,
        delimiter=delimiter,
        strict=strict,
        skipinitialspace=True,
        doublequote=quotes == "double",
        escapechar="\\" if quotes == "backslash" else None,
    )
