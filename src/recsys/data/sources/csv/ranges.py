"""Cuts a file into byte ranges of whole rows, for readers side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from recsys.data.sources.csv.blocks import QUOTE
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.encodings import codec
from recsys.data.sources.stored import READ, WHOLE, ByteRange, Stored, compression, size_of

MARK = b"\xef\xbb\xbf"


def range_of(dialect: Dialect, part: int, n_parts: int) -> ByteRange | None:
    """Part `part` of n_parts, from 0: about equal numbers of bytes, from one line end to another; None for no rows.

    A file is cut where it is neither compressed nor in another encoding than utf-8, has rows, and these have no quotes,
    within which a line may end: each part looks through the whole file for one. Else all of it is part 0.
    """
    if n_parts == 1 or compression(dialect.path) is not None or codec(dialect.encoding) != "utf-8-sig":
        return WHOLE if part == 0 else None
    size = size_of(dialect.path)
    with Stored(dialect.path) as stored:
        head = dialect.head_bytes + (len(MARK) if stored.read(len(MARK)) == MARK else 0)
    body = ByteRange(min(head, size), size)
    if _is_blank(dialect.path, body) or (dialect.quotes != "none" and _has_quotes(dialect.path, body)):
        return WHOLE if part == 0 else None
    start, stop = (
        0 if edge == 0 else _line_start(dialect.path, head + (size - head) * edge // n_parts, size)
        for edge in (part, part + 1)
    )
    if start >= stop:
        return None
    return ByteRange(start, stop)


def _is_blank(path: Path, span: ByteRange) -> bool:
    with Stored(path, span) as stored:
        return all(data.isspace() for data in iter(partial(stored.read, READ), b""))


def _has_quotes(path: Path, span: ByteRange) -> bool:
    with Stored(path, span) as stored:
        return any(QUOTE in data for data in iter(partial(stored.read, READ), b""))


def _line_start(path: Path, position: int, size: int) -> int:
    """The first place from `position` on at which a line starts, or the end of the file."""
    if position == 0:
        return 0
    start = position - 1
    while start < size:
        with Stored(path, ByteRange(start, min(start + READ, size))) as stored:
            data = stored.read()
        if (at := data.find(b"\n")) >= 0:
            return start + at + 1
        start += len(data)
    return size
