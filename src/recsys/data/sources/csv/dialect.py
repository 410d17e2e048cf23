"""How a file is written: its delimiter, whether it has a header, and what the first rows look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from recsys.config.schema.data import Data
from recsys.core.errors import ConfigError, DataError
from recsys.data.sources.column_names import COMMON, COUNTS, TYPES, plain
from recsys.data.sources.csv.delimiter import SAMPLE, even_width, find_delimiter
from recsys.data.sources.csv.encodings import marked_encoding
from recsys.data.sources.csv.fields import BLANK, BadQuotesError, Quotes, knows_quotes, rows_of, sample_rows
from recsys.data.sources.csv.other_texts import refuse_other_text
from recsys.data.sources.csv.preamble import is_rule, preamble_of
from recsys.data.sources.csv.text import Text
from recsys.data.sources.stored import WHOLE, ByteRange
from recsys.data.sources.values import Decimal, number

KNOWN = frozenset(name for names in COMMON.values() for name in names) | {*COUNTS, "title", "name", "id"}
SAMPLE_SIGNS = 32 << 20  # after which no more lines are looked at
ESCAPED_QUOTE = '\\"'
DECIMAL_POINT = re.compile(r"[-+]?\d+[.]\d+", re.ASCII)
DECIMAL_COMMA = re.compile(r"[-+]?\d+,(\d{1,2}|\d{4,})", re.ASCII)  # three digits may be thousands


@dataclass(frozen=True)
class Dialect:
    """How one file is written.

    Attributes:
        delimiter: what stands between two fields; only one of a single byte knows quotes; a blank stands for several.
        quotes: how a quote stands in a quoted field.
        decimal: the decimal mark of numbers, whose thousands then have the other one; None: a point, and no thousands.
        timestamp_format: of times, as strptime takes it; None: to be found out.
        header: the names of the columns as in the file, None without a header.
        width: how many columns there are.
        head_lines: lines of the file before the first row, the header among them.
        head_bytes: how long those are in utf-8, a byte order mark not counted.
        sample: the first rows.
        max_line_bytes: of a line.
    """

    path: Path
    encoding: str
    delimiter: str
    quotes: Quotes
    decimal: Decimal
    timestamp_format: str | None
    header: tuple[str, ...] | None
    width: int
    head_lines: int
    head_bytes: int
    sample: tuple[tuple[str, ...], ...]
    max_line_bytes: int
    wide_hint: ClassVar[str] = "data.layout: wide (init: --layout wide)"

    def text(self, span: ByteRange = WHOLE) -> Text:
        """The lines of the file, or of a range of it."""
        return Text(self.path, self.encoding, self.max_line_bytes, span)


def find_dialect(path: Path, data: Data) -> Dialect:
    """Looks at the first lines of a file.

    Args:
        path: the file.
        data: delimiter, header and encoding, each possibly to be found out; names in `data.columns` tell a header.

    Raises:
        DataError: the file is not there, is empty or is not text.
    """
    encoding = (marked_encoding(path) if data.encoding == "utf-8" else None) or data.encoding
    with Text(path, encoding, data.max_line_bytes) as text:
        lines = _first_lines(text)
    refuse_other_text(path, "".join(lines[:SAMPLE]))
    preamble = preamble_of(lines)
    body = lines[preamble.n_lines :]
    drawn = 1 if len(body) > 1 and is_rule(body[1]) else None
    if drawn:
        del body[drawn]
    delimiter = data.delimiter if data.delimiter != "auto" else preamble.delimiter or find_delimiter(body)
    if set(delimiter) & set('"\r\n\0'):
        hint = 'such as "," or "\\t" or "::"; auto looks at the file'
        raise ConfigError(f"{delimiter!r} cannot stand between fields", where="data.delimiter", hint=hint)
    quotes = _quotes(body, delimiter, data)
    rows = [(row, end) for row, end in sample_rows(body, delimiter, quotes, SAMPLE) if any(map(str.strip, row))]
    if not rows or preamble.n_lines == len(lines):
        raise DataError("the file holds no rows", where=str(path), expected="a line for each rating")
    (_, first_end), *_ = rows
    fields = [row for row, _ in rows]
    width = even_width(fields) or len(fields[0])
    above = _names_above(preamble.names, delimiter, width) if data.header else None
    is_first_row = above is None and (_is_header(fields, data) if data.header == "auto" else data.header)
    header = _for_all_columns(fields) if is_first_row else above
    n_lines = preamble.n_lines + (first_end if is_first_row else 0) + (1 if drawn and is_first_row else 0)
    sample = tuple(fields[1:] if is_first_row else fields)
    return Dialect(
        path=path,
        encoding=encoding,
        delimiter=delimiter,
        quotes=quotes,
        decimal=_decimal(sample, data),
        timestamp_format=data.timestamp_format,
        header=None if header is None else _untyped(header),
        width=len(fields[0]) if header is None else len(header),
        head_lines=n_lines,
        head_bytes=len("".join(lines[:n_lines]).encode()),
        sample=sample,
        max_line_bytes=data.max_line_bytes,
    )


def _first_lines(text: Iterable[str]) -> list[str]:
    lines, n_signs = [], 0
    for line in islice(text, 4 * SAMPLE):
        lines.append(line)
        n_signs += len(line)
        if n_signs > SAMPLE_SIGNS:
            break
    return lines


def _names_above(names: str | None, delimiter: str, width: int) -> tuple[str, ...] | None:
    """The header in a comment above the rows, None where the comment is none."""
    if names is None:
        return None
    fields = tuple(names.split(None if delimiter == BLANK else delimiter))
    return fields if len(fields) == width and any(plain(field) in KNOWN for field in fields) else None


def _for_all_columns(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The header in the first row; with an empty name where it has none for the index, or a delimiter ends all rows."""
    header, *body = rows
    if even_width(rows) != len(header) + 1:
        return header
    if not any(row[-1].strip() for row in body):
        return (*header, "")
    return ("", *header) if len({row[0] for row in body}) == len(body) else header


def _untyped(header: tuple[str, ...]) -> tuple[str, ...]:
    """The names without types such as :token, where all have one."""
    names = tuple(TYPES.sub("", name.strip()) for name in header)
    return header if any(map(str.__eq__, names, map(str.strip, header))) else names


def _is_header(rows: Sequence[tuple[str, ...]], data: Data) -> bool:
    names = [column for column in data.columns.model_dump().values() if isinstance(column, str)]
    return _has_header(rows, names)


def _quotes(lines: Sequence[str], delimiter: str, data: Data) -> Quotes:
    """How a quote stands in a field: as the config says, else behind a backslash where only that makes sense."""
    if data.quotes is False or not knows_quotes(delimiter):
        return "none"
    if data.quotes != "auto":
        return data.quotes
    escaped = (ESCAPED_QUOTE, f"\\{delimiter}")
    if any(text in line for line in lines for text in escaped) and _is_even(lines, delimiter, "backslash"):
        return "double" if _is_even(lines, delimiter, "double") else "backslash"
    return "double"


def _is_even(lines: Sequence[str], delimiter: str, quotes: Quotes) -> bool:
    """Whether all rows can be read and are equally wide."""
    try:
        return len({len(row) for row, _ in rows_of(iter(lines), delimiter, quotes)}) == 1
    except BadQuotesError:
        return False


def _decimal(rows: Sequence[tuple[str, ...]], data: Data) -> Decimal:
    """The decimal mark: as the config says, else a comma where a column has numbers with one, and none with a point."""
    if data.decimal != "auto":
        return data.decimal
    columns = list(zip(*rows, strict=False))
    if any(DECIMAL_POINT.fullmatch(text.strip()) for row in rows for text in row):
        return None
    has_commas = any(
        any(map(DECIMAL_COMMA.fullmatch, map(str.strip, column)))
        and all(number(text.replace(",", ".")) is not None for text in column if text.strip())
        for column in columns
    )
    return "," if has_commas else None


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
