"""The rows of a file as Arrow's reader wants them: utf-8, one-character delimiters, no header, nothing doubtful."""

from __future__ import annotations

import codecs

import numpy as np

from recsys.data.dialect import Dialect
from recsys.data.stored import Stored, codec

UNIT_SEPARATOR = b"\x1f"  # stands for a delimiter of several characters
QUOTE = 34
GROWTH = 4  # a byte of another encoding is at most so many in utf-8, with room


class DoubtfulError(Exception):
    """Bytes that two readers might understand differently: the reference reader has to say."""


class QuotedError(Exception):
    """There is a quote, and Arrow was told that there is none."""


class Body:
    """A file object of the rows below the header.

    Args:
        dialect: how the file is written.
        quoted: whether quotes are expected; without, `read` raises QuotedError at the first one.

    Its `read` raises DoubtfulError where a NUL, undecodable bytes or unusual quotes turn up.
    """

    def __init__(self, dialect: Dialect, *, quoted: bool) -> None:
        self.closed = False
        self._stored = Stored(dialect.path)
        self._delimiter = dialect.delimiter.encode()
        self._quoted = quoted
        self._skip = dialect.head_bytes
        self._pending = b""  # the torn last line, where lines have to be whole
        self._inside = False  # a quoted field goes on into the next piece
        name = codec(dialect.encoding)
        self._is_utf8 = name == "utf-8-sig"
        self._decoder = codecs.getincrementaldecoder(name)()
        self._at_start = True
        self._at_end = False

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read so far, and in all, on disk."""
        return self._stored.done, self._stored.total

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self._stored.close()
        self.closed = True

    def read(self, size: int) -> bytes:
        """At most `size` bytes of whole rows, or of any where there are no quotes; b"" at the end."""
        piece = b""
        while not piece and not self._at_end:
            room = size - len(self._pending) - GROWTH  # the decoder may hold a torn letter
            if room < GROWTH:
                raise DoubtfulError
            chunk = self._stored.read(room if self._is_utf8 else room // GROWTH)
            self._at_end = not chunk
            piece = self._checked(self._below_header(self._in_utf8(chunk)))
        return piece

    def _in_utf8(self, chunk: bytes) -> bytes:
        if self._is_utf8 and chunk.isascii() and not self._decoder.getstate()[0]:
            self._at_start = self._at_start and not chunk
            return chunk
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeError:
            raise DoubtfulError from None
        if self._at_start and text:
            self._at_start, text = False, text.removeprefix("\ufeff")
        return text.encode()

    def _below_header(self, piece: bytes) -> bytes:
        if not self._skip:
            return piece
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        return piece[skipped:]

    def _checked(self, piece: bytes) -> bytes:
        if b"\0" in piece:
            raise DoubtfulError
        many = len(self._delimiter) > 1
        if not many and not self._quoted:
            if b'"' in piece:
                raise QuotedError
            return piece
        piece = self._whole_lines(piece)
        if not many:
            self._check_quotes(piece)
            return piece
        if UNIT_SEPARATOR in piece:
            raise DoubtfulError
        return piece.replace(self._delimiter, UNIT_SEPARATOR)

    def _whole_lines(self, piece: bytes) -> bytes:
        piece = self._pending + piece
        cut = len(piece) if self._at_end else piece.rfind(b"\n") + 1
        self._pending = piece[cut:]
        return piece[:cut]

    def _check_quotes(self, piece: bytes) -> None:
        """Every quote that opens a field follows a delimiter or newline, every one that closes precedes one.

        A quote within a field is doubled, so that it closes and opens at once and has a quote beside it.
        """
        text = np.frombuffer(b"\n" + piece + b"\n", dtype=np.uint8)
        quotes = np.flatnonzero(text == QUOTE)
        opening, closing = quotes[self._inside :: 2], quotes[not self._inside :: 2]
        beside = np.zeros(256, dtype=bool)
        beside[[*self._delimiter, 10, 13, QUOTE]] = True
        self._inside ^= bool(len(quotes) % 2)
        if not (beside[text[opening - 1]].all() and beside[text[closing + 1]].all()) or (self._at_end and self._inside):
            raise DoubtfulError
