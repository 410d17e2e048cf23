"""The rows of a file as Arrow takes them: utf-8, one-byte delimiters, no header, whole rows, nothing doubtful."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator
from pathlib import Path

import numpy as np

from recsys.core.events import Note
from recsys.core.types import Int64Array
from recsys.core.words import shortened
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.fields import BLANK, LONGEST_FIELD
from recsys.data.sources.csv.text import codec_of
from recsys.data.sources.stored import WHOLE, ByteRange, Stored

UNIT_SEPARATOR = b"\x1f"  # stands for a delimiter of several bytes
QUOTE = b'"'
BACKSLASH = b"\\"
RUN = re.compile(rb" +")
EDGE = re.compile(rb"(?<![^\r\n]) +| +(?![^\r\n])")  # blanks at an end of a line
NEEDLESS = re.compile(rb"  |(?<![^\r\n]) | (?![^\r\n])")
LONGEST = 16  # blocks without the end of a row
SLOW_BYTES = 1 << 24  # of a file whose slow reading takes seconds


NO_QUOTES = np.zeros(0, dtype=np.int64)


class DoubtfulError(Exception):
    """Bytes that two readers might understand differently: the reference reader has to say.

    Attributes:
        why: what they are.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    @classmethod
    def of_arrow(cls, error: Exception) -> DoubtfulError:
        """Rows that Arrow refuses."""
        return cls(f"rows that Arrow does not take: {shortened(str(error).splitlines()[0])}")

    def note(self, path: Path, n_rows: int) -> Note:
        """That the rows after the first n_rows take long, and why."""
        return Note(f"{path}: read by the slow reader from row {n_rows + 1:,} on, at a tenth of the speed: {self.why}")


def blocks_of(dialect: Dialect, stored: Stored, size: int, span: ByteRange = WHOLE) -> Generator[bytes]:
    """Blocks of whole rows, about `size` bytes each, of the part of a file below its header.

    Args:
        span: the range of the file that `stored` has opened.

    Raises:
        DoubtfulError: a NUL, undecodable bytes, a byte order mark, unusual quotes, or a long row.
        DataError: a compressed file that is damaged.
    """
    delimiter = dialect.delimiter.encode()
    has_quotes = dialect.quotes != "none"
    longest = min(LONGEST_FIELD, dialect.max_line_bytes)
    n_head_bytes = 0 if span.start else dialect.head_bytes
    torn = b""
    for text in _below_header(_in_utf8(stored, codec_of(dialect.encoding, span), size), n_head_bytes):
        if b"\0" in text:
            raise DoubtfulError("a NUL byte")
        if dialect.quotes == "backslash" and (QUOTE in text or BACKSLASH in text):
            raise DoubtfulError("a quote or a backslash, with data.quotes: backslash")
        if has_quotes and (QUOTE in text or QUOTE in torn):
            torn, text = b"", torn + text
            end = _end_of_rows(text)
        else:
            end = text.rfind(b"\n") + 1
        rows = b"".join((torn, memoryview(text)[:end])) if end else b""  # one copy, not two
        torn = text[end:] if end else torn + text
        if len(torn) > LONGEST * size:
            raise DoubtfulError("a very long row")
        yield from _checked(rows, delimiter, longest, has_quotes=has_quotes)
    yield from _checked(torn, delimiter, longest, has_quotes=has_quotes)


def _in_utf8(stored: Stored, codec: str, size: int) -> Generator[bytes]:
    """The text of a file without its byte order mark."""
    decoder = codecs.getincrementaldecoder(codec)()
    at_start, data = codec != "utf-8", b"?"
    is_utf8 = codec in ("utf-8", "utf-8-sig")
    while data:
        data = stored.read(size)
        if is_utf8 and data.isascii() and not decoder.getstate()[0]:
            if at_start:
                at_start, decoder = False, codecs.getincrementaldecoder("utf-8")()  # a mark is a sign from here on
            yield data
            continue
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeError:
            raise DoubtfulError(f"bytes that are not {codec}") from None
        yield (text.removeprefix("\ufeff") if at_start else text).encode()
        at_start = at_start and not text


def _below_header(texts: Generator[bytes], n_bytes: int) -> Generator[bytes]:
    for text in texts:
        yield text[n_bytes:] if n_bytes else text
        n_bytes = max(0, n_bytes - len(text))


def _end_of_rows(text: bytes) -> int:
    """Where the last whole row ends: below the last newline that has an even number of quotes before it."""
    end = text.rfind(b"\n") + 1
    n_quotes = text.count(QUOTE, 0, end)
    while n_quotes % 2 and end:
        before = text.rfind(b"\n", 0, end - 1) + 1
        n_quotes -= text.count(QUOTE, before, end)
        end = before
    return end


def _checked(rows: bytes, delimiter: bytes, longest: int, *, has_quotes: bool) -> Generator[bytes]:
    """The rows if there are any, with a delimiter of one byte."""
    if not rows or (rows[0] in b"\r\n" and not rows.strip(b"\r\n")):
        return
    quotes = _quotes(rows) if has_quotes and QUOTE in rows else NO_QUOTES
    if rows.startswith(codecs.BOM_UTF8):  # Arrow would skip it
        raise DoubtfulError("a byte order mark within the file")
    if _has_long_row(rows, quotes, longest):
        raise DoubtfulError("a quote that does not close, or a very long row" if len(quotes) else "a very long row")
    if delimiter == BLANK.encode() and b"\t" in rows:
        rows = rows.replace(b"\t", b" ")
    if delimiter == BLANK.encode() and NEEDLESS.search(rows):
        if len(quotes):
            raise DoubtfulError("a quote in a row of fields between several blanks")
        rows = RUN.sub(b" ", EDGE.sub(b"", rows))
    if len(delimiter) == 1:
        if len(quotes):
            _check_quotes(rows, quotes, delimiter)
        yield rows
        return
    if UNIT_SEPARATOR in rows:
        raise DoubtfulError("the control character 0x1F")
    yield rows.replace(delimiter, UNIT_SEPARATOR)


def _quotes(rows: bytes) -> Int64Array:
    """Where the quotes stand."""
    return np.flatnonzero(np.frombuffer(rows, dtype=np.uint8) == QUOTE[0])


def _has_long_row(rows: bytes, quotes: Int64Array, longest: int) -> bool:
    """Whether a row has more than so many bytes: whether in so many no row ends, which takes few looks."""
    start = 0
    while len(rows) - start > longest:
        end = rows.rfind(b"\n", start, start + longest + 1)
        while end >= start and np.searchsorted(quotes, end) % 2:
            end = rows.rfind(b"\n", start, end)
        if end < start:
            return True
        start = end + 1
    return False


def _check_quotes(rows: bytes, quotes: Int64Array, delimiter: bytes) -> None:
    """Every quote that opens a field follows a delimiter or newline, every one that closes precedes one.

    A quote within a field is doubled, so that it closes and opens at once and has a quote beside it.
    """
    text = np.frombuffer(b"\n" + rows + b"\n", dtype=np.uint8)
    opening, closing = quotes[::2] + 1, quotes[1::2] + 1
    beside = np.zeros(256, dtype=bool)
    beside[[*delimiter, *b"\r\n", *QUOTE]] = True
    if len(quotes) % 2 or not (beside[text[opening - 1]].all() and beside[text[closing + 1]].all()):
        raise DoubtfulError("a quote within a field")
