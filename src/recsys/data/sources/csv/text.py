"""The lines of a text file, decoded."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from recsys.core.errors import ConfigError, DataError
from recsys.data.sources.stored import WHOLE, ByteRange, Stored

MARKS_16 = (b"\xff\xfe", b"\xfe\xff")


def codec(encoding: str) -> str:
    """Python's own name of an encoding, the one that skips a byte order mark for utf-8.

    Raises:
        ConfigError: there is no such encoding.
    """
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except LookupError:
        hint = "such as utf-8, latin-1, cp1252 or utf-16"
        raise ConfigError(f"there is no encoding {encoding!r}", where="data.encoding", hint=hint) from None
    return "utf-8-sig" if name == "utf-8" else name


def codec_of(encoding: str, span: ByteRange) -> str:
    """The codec of a range of a file: only the first one may begin with a byte order mark.

    Raises:
        ConfigError: there is no such encoding.
    """
    name = codec(encoding)
    return "utf-8" if name == "utf-8-sig" and span.start else name


class Text:
    """The lines of a file or a range of it, decoded; a line ends with \\n, \\r or \\r\\n, which stays on it."""

    def __init__(self, path: Path, encoding: str, span: ByteRange = WHOLE) -> None:
        self.path = path
        self.encoding = encoding
        self.first_line = span.n_lines_before + 1
        self._span = span
        self._codec = codec_of(encoding, span)
        self._stored = Stored(path, span)

    @property
    def share(self) -> float:
        """Of its bytes, how many have been read, 0 to 1."""
        return self._stored.done / self._stored.total

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read so far, and in all, on disk."""
        return self._stored.done, self._stored.total

    def __enter__(self) -> Text:
        return self

    def __exit__(self, *_: object) -> None:
        self._stored.close()

    def __iter__(self) -> Iterator[str]:
        """The lines.

        Raises:
            DataError: bytes that are not text in this encoding, or a NUL.
        """
        text = io.TextIOWrapper(io.BufferedReader(self._stored), self._codec, newline="")
        try:
            for number, line in enumerate(text, start=self.first_line):
                if "\0" in line:
                    raise self._with_nul(number)
                yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeError as error:
            bad = error.object[error.start : error.end] if isinstance(error, UnicodeDecodeError) else str(error)
            raise self._not_text(f"{bad!r} is not text in {self.encoding}", self._first_undecodable()) from None

    def _first_undecodable(self) -> int:
        with Stored(self.path, self._span) as stored:
            text = io.TextIOWrapper(io.BufferedReader(stored), self._codec, errors="replace", newline="")
            try:
                numbered = enumerate(text, start=self.first_line)
                return next((number for number, line in numbered if "\ufffd" in line), 1)
            except UnicodeError:  # utf-16 without its mark replaces nothing
                return 1

    def _with_nul(self, line: int) -> DataError:
        if b"\0" in _first_bytes(self.path):
            return self._not_text("a NUL byte", line)
        hint = "the file is damaged, or no text; without NUL bytes: tr -d '\\000' < FILE > NEW"
        return DataError("a NUL byte", where=f"{self.path}:{line}", expected=f"text in {self.encoding}", hint=hint)

    def _not_text(self, what: str, line: int) -> DataError:
        start = _first_bytes(self.path)
        guess = "utf-16" if start in MARKS_16 or b"\0" in start else "latin-1 or cp1252"
        where = f"{self.path}:{line}"
        return DataError(
            what,
            where=where,
            expected=f"text in {self.encoding}",
            hint=f"data.encoding: {guess}, perhaps (init: --encoding {guess.split()[0]})",
        )


def marked_encoding(path: Path) -> str | None:
    """utf-16 for a file that begins with its byte order mark, else None."""
    return "utf-16" if _first_bytes(path) in MARKS_16 else None


def _first_bytes(path: Path) -> bytes:
    with Stored(path) as stored:
        return stored.read(2)
