"""The bytes of a file as they lie on disk, and as they are without compression."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.core.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]  # typing only; in the library since 3.12

MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
NOT_OURS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"PAR1": "a parquet file",
    b"SQLite format 3": "an SQLite database",
}


class Stored(io.RawIOBase):
    """A file opened for reading, gzip and zstd unpacked on the way.

    Attributes:
        total: its size on disk, bytes.
        done: how many of those have been read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total = must_be_file(path)
        self.done = 0
        kind = compression(path)
        self._file: Any = path.open("rb", buffering=0)
        self._inner: Any = self._file
        if kind is not None:
            import pyarrow as pa

            self._inner = pa.CompressedInputStream(pa.PythonFile(self._file, mode="r"), kind)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` unpacked bytes; b"" at the end.

        Raises:
            DataError: the compressed file is cut off or damaged.
        """
        try:
            chunk: bytes = self._inner.read(size)
        except OSError as error:
            if self._inner is self._file:
                raise
            hint = "download or compress it again"
            what = f"it cannot be unpacked: {error}"
            raise DataError(what, where=str(self.path), expected="a whole .gz or .zst file", hint=hint) from error
        self.done = self._file.tell()
        return chunk

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        chunk = self.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if self._inner is not self._file:
            self._inner.close()
        self._file.close()
        super().close()


def compression(path: Path) -> str | None:
    """How a file is compressed, "gzip" or "zstd", by its first bytes; None if it is not.

    Raises:
        DataError: it is something else than text, or may not be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        hint = "check the permissions of the file"
        what = f"it cannot be opened: {error.strerror}"
        raise DataError(what, where=str(path), expected="a file that can be read", hint=hint) from error
    for magic, what in NOT_OURS.items():
        if start.startswith(magic):
            hint = "write it as CSV; recsys reads .csv, .csv.gz and .csv.zst"
            raise DataError(f"this is {what}", where=str(path), expected="a text file", hint=hint)
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)


def must_be_file(path: Path) -> int:
    """The size of a file in bytes.

    Raises:
        DataError: it is not there, is a folder, or is empty.
    """
    if path.is_dir():
        hint = "name a file in it"
        raise DataError("this is a folder", where=str(path), expected="a ratings file", hint=hint)
    if not path.exists():
        names = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, names)
        hint = (
            f"did you mean {path.parent / close}?" if close else "check the path; in a config it starts at its folder"
        )
        raise DataError("there is no such file", where=str(path), expected="a file", hint=hint)
    size = path.stat().st_size
    if path.is_file() and not size:
        raise DataError("the file is empty", where=str(path), expected="a line for each rating")
    return size


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


class Text:
    """The lines of a file, decoded; a line ends with \\n, \\r or \\r\\n, which stays on it."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        self._codec = codec(encoding)
        self._stored = Stored(path)

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
            for number, line in enumerate(text, start=1):
                if "\0" in line:
                    raise self._not_text("a NUL byte", number)
                yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeError as error:
            bad = error.object[error.start : error.end] if isinstance(error, UnicodeDecodeError) else str(error)
            raise self._not_text(f"{bad!r} is not text in {self.encoding}", self._first_undecodable()) from None

    def _first_undecodable(self) -> int:
        with Stored(self.path) as stored:
            text = io.TextIOWrapper(io.BufferedReader(stored), self._codec, errors="replace", newline="")
            try:
                return next((number for number, line in enumerate(text, start=1) if "\ufffd" in line), 1)
            except UnicodeError:  # utf-16 without its mark replaces nothing
                return 1

    def _not_text(self, what: str, line: int) -> DataError:
        start = _first_bytes(self.path)
        guess = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start else "latin-1 or cp1252"
        where = f"{self.path}:{line}"
        return DataError(
            what, where=where, expected=f"text in {self.encoding}", hint=f"data.encoding: {guess}, perhaps"
        )


def _first_bytes(path: Path) -> bytes:
    with Stored(path) as stored:
        return stored.read(2)
