"""The rows of a file as Arrow takes them: utf-8, one-byte delimiters, no header, whole rows, nothing doubtful."""

from __future__ import annotations

import codecs
from collections.abc import Generator

import numpy as np

from recsys.data.sources.csv.dialect import Dialect, knows_quotes
from recsys.data.sources.csv.stored import Stored, codec

UNIT_SEPARATOR = b"\x1f"  # stands for a delimiter of several bytes
QUOTE = b'"'
LONGEST = 16  # blocks without the end of a row


class DoubtfulError(Exception):
    """Bytes that two readers might understand differently: the reference reader has to say."""


def blocks_of(dialect: Dialect, stored: Stored, block: int) -> Generator[bytes]:
    """Pieces of whole rows, about `block` bytes each, of the part of a file below its header.

    Raises:
        DoubtfulError: a NUL, undecodable bytes, unusual quotes, or a row without an end.
        DataError: a compressed file that is damaged.
    """
    delimiter = dialect.delimiter.encode()
    quotes = knows_quotes(dialect.delimiter)
    torn = b""
    for chunk in _below_header(_in_utf8(stored, dialect.encoding, block), dialect.head_bytes):
        if b"\0" in chunk:
            raise DoubtfulError
        if quotes and (QUOTE in chunk or QUOTE in torn):
            torn, chunk = b"", torn + chunk
            cut = _end_of_rows(chunk)
        else:
            cut = chunk.rfind(b"\n") + 1
        rows = b"".join((torn, memoryview(chunk)[:cut])) if cut else b""  # one copy, not two
        torn = chunk[cut:] if cut else torn + chunk
        if len(torn) > LONGEST * block:
            raise DoubtfulError
        yield from _checked(rows, delimiter)
    yield from _checked(torn, delimiter)


def _in_utf8(stored: Stored, encoding: str, block: int) -> Generator[bytes]:
    """The text of a file without its byte order mark."""
    name = codec(encoding)
    decoder = codecs.getincrementaldecoder(name)()
    at_start, chunk = True, b"?"
    while chunk:
        chunk = stored.read(block)
        if name == "utf-8-sig" and chunk.isascii() and not decoder.getstate()[0]:
            at_start = False
            yield chunk
            continue
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError:
            raise DoubtfulError from None
        yield (text.removeprefix("\ufeff") if at_start else text).encode()
        at_start = at_start and not text


def _below_header(chunks: Generator[bytes], n_bytes: int) -> Generator[bytes]:
    for chunk in chunks:
        yield chunk[n_bytes:] if n_bytes else chunk
        n_bytes = max(0, n_bytes - len(chunk))


def _end_of_rows(text: bytes) -> int:
    """Where the last whole row ends: below the last newline that has an even number of quotes before it."""
    cut = text.rfind(b"\n") + 1
    n_quotes = text.count(QUOTE, 0, cut)
    while n_quotes % 2 and cut:
        before = text.rfind(b"\n", 0, cut - 1) + 1
        n_quotes -= text.count(QUOTE, before, cut)
        cut = before
    return cut


def _checked(rows: bytes, delimiter: bytes) -> Generator[bytes]:
    """The rows if there are any, with a delimiter of one byte."""
    if not rows or (rows[0] in b"\r\n" and not rows.strip(b"\r\n")):
        return
    if len(delimiter) == 1:
        if QUOTE in rows:
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
