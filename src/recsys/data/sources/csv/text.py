"""The lines of a text file, decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from recsys.core.errors import DataError
from recsys.data.sources.csv.encodings import codec, example, guess_encoding, wide_encoding
from recsys.data.sources.protocol import OtherEncodingError
from recsys.data.sources.stored import READ, WHOLE, ByteRange, Stored

MOST_BYTES_OF_A_SIGN = 4


def codec_of(encoding: str, span: ByteRange) -> str:
    """The codec of a range of a file: only the first one may begin with a byte order mark.

    Raises:
        ConfigError: there is no such encoding.
    """
    name = codec(encoding)
    return "utf-8" if name == "utf-8-sig" and span.start else name


class Text:
    """The lines of a file or a range of it, decoded; a line ends with \\n, \\r or \\r\\n, which stays on it."""

    def __init__(self, path: Path, encoding: str, longest: int, span: ByteRange = WHOLE) -> None:
        """Opens it.

        Args:
            longest: bytes of a line, in utf-8.
        """
        self.path = path
        self._longest = longest
        self.encoding = encoding
        self.first_line = _n_line_ends(path, span.start) + 1 if span.start else 1
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
            DataError: bytes that are not text in this encoding, a NUL, or a line that is too long.
        """
        text = io.TextIOWrapper(io.BufferedReader(self._stored), self._codec, newline="")
        longest, most_signs = self._longest, self._longest // MOST_BYTES_OF_A_SIGN
        try:
            for number, line in enumerate(iter(partial(text.readline, longest + 1), ""), start=self.first_line):
                if len(line) > most_signs and len(line.encode("utf-8", "surrogatepass")) > longest:
                    raise self._too_long(number)
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
                numbered = enumerate(iter(partial(text.readline, self._longest), ""), start=self.first_line)
                return next((number for number, line in numbered if "\ufffd" in line), 1)
            except UnicodeError:  # utf-16 without its mark replaces nothing
                return 1

    def _too_long(self, line: int) -> DataError:
        return DataError(
            f"this line is longer than {self._longest:,} bytes",
            where=f"{self.path}:{line}",
            expected="a row of ratings in each line",
            hint="if it is a row, data.max_line_bytes allows for longer ones",
        )

    def _with_nul(self, line: int) -> DataError:
        if wide_encoding(self.path) not in (None, self.encoding):
            return self._not_text("a NUL byte", line)
        hint = "the file is damaged, or no text; without NUL bytes: tr -d '\\000' < FILE > NEW"
        return DataError("a NUL byte", where=f"{self.path}:{line}", expected=f"text in {self.encoding}", hint=hint)

    def _not_text(self, what: str, line: int) -> OtherEncodingError:
        guess = guess_encoding(self.path)
        if guess is None:
            hint = "is this a text file? if so, name its encoding: data.encoding (init: --encoding)"
        else:
            hint = f"it may be {guess}: data.encoding: {guess} (init: --encoding {guess})"
        error = OtherEncodingError(what, where=f"{self.path}:{line}", expected=f"text in {self.encoding}", hint=hint)
        error.guess, error.example = guess, example(self.path, guess) if guess else ""
        return error


def _n_line_ends(path: Path, stop: int) -> int:
    """Lines that end before `stop`, at which one starts; \\n, \\r and \\r\\n end one each."""
    n = 0
    with Stored(path, ByteRange(0, stop)) as stored:
        before = b""
        for data in iter(partial(stored.read, READ), b""):
            n += data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
            n -= before == b"\r" and data.startswith(b"\n")
            before = data[-1:]
    return n
