"""The rows of a file as Arrow takes them: utf-8, one-byte delimiters, no header, whole rows, nothing doubtful."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator

import numpy as np

from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.fields import BLANK
from recsys.data.sources.csv.text import codec_of
from recsys.data.sources.stored import WHOLE, ByteRange, Stored

UNIT_SEPARATOR = b"\x1f"  # stands for a delimiter of several bytes
QUOTE = b'"'
BACKSLASH = b"\\"
RUN = re.compile(rb" +")
EDGE = re.compile(rb"(?<![^\r\n]) +| +(?![^\r\n])")  # blanks at an end of a line
NEEDLESS = re.compile(rb"  |(?<![^\r\n]) | (?![^\r\n])")
LONGEST = 16  # blocks without the end of a row


class DoubtfulError(Exception):
    """Bytes that two readers might understand differently: the reference reader has to say."""


def blocks_of(dialect: Dialect, stored: Stored, size: int, span: ByteRange = WHOLE) -> Generator[bytes]:
    """Blocks of whole rows, about `size` bytes each, of the part of a file below its header.

    Args:
        span: the range of the file that `stored` has opened.

    Raises:
        DoubtfulError: a NUL, undecodable bytes, unusual quotes, or a row without an end.
        DataError: a compressed file that is damaged.
    """
    delimiter = dialect.delimiter.encode()
    has_quotes = dialect.quotes != "none"
    n_head_bytes = 0 if span.start else dialect.head_bytes
    torn = b""
    for text in _below_header(_in_utf8(stored, codec_of(dialect.encoding, span), size), n_head_bytes):
        if b"\0" in text or (dialect.quotes == "backslash" and (QUOTE in text or BACKSLASH in text)):
            raise DoubtfulError
        if has_quotes and (QUOTE in text or QUOTE in torn):
            torn, text = b"", torn + text
            end = _end_of_rows(text)
        else:
            end = text.rfind(b"\n") + 1
        rows = b"".join((torn, memoryview(text)[:end])) if end else b""  # one copy, not two
        torn = text[end:] if end else torn + text
        if len(torn) > LONGEST * size:
            raise DoubtfulError
        yield from _checked(rows, delimiter, has_quotes=has_quotes)
    yield from _checked(torn, delimiter, has_quotes=has_quotes)


def _in_utf8(stored: Stored, codec: str, size: int) -> Generator[bytes]:
    """The text of a file without its byte order mark."""
    decoder = codecs.getincrementaldecoder(codec)()
    at_start, data = codec != "utf-8", b"?"
    while data:
        data = stored.read(size)
        if codec in ("utf-8", "utf-8-sig") and data.isascii() and not decoder.getstate()[0]:
            at_start = False
            yield data
            continue
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeError:
            raise DoubtfulError from None
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


def _checked(rows: bytes, delimiter: bytes, *, has_quotes: bool) -> Generator[bytes]:
    """The rows if there are any, with a delimiter of one byte."""
    if not rows or (rows[0] in b"\r\n" and not rows.strip(b"\r\n")):
        return
    if delimiter == BLANK.encode() and b"\t" in rows:
        rows = rows.replace(b"\t", b" ")
    if delimiter == BLANK.encode() and NEEDLESS.search(rows):
        if has_quotes and QUOTE in rows:
            raise DoubtfulError
        rows = RUN.sub(b" ", EDGE.sub(b"", rows))
    if len(delimiter) == 1:
        if has_quotes and QUOTE in rows:
            _check_quotes(rows, delimiter)
        yield rows
        return
    if UNIT_SEPARATOR in rows:
        raise DoubtfulError
    yield rows.replace(delimiter, UNIT_SEPARATOR)


def _check_quotes(rows: bytes, delimiter: bytes) -> None:
    """Every quote that opens a field follows a delimiter or newline, every one that closes precedes one.

    A quote within a field is doubled, so that it closes and opens at once and has a quote beside it.
    """
    text = np.frombuffer(b"\n" + rows + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(text == QUOTE[0])
    opening, closing = quotes[::2], quotes[1::2]
    beside = np.zeros(256, dtype=bool)
    beside[[*delimiter, *b"\r\n", *QUOTE]] = True
    if len(quotes) % 2 or not (beside[text[opening - 1]].all() and beside[text[closing + 1]].all()):
        raise DoubtfulError
