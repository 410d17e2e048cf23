"""The bytes of a file as they lie on disk, and as they are without compression."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.core.errors import DataError, nearest
from recsys.core.files import STDIN, sha256
from recsys.data.sources.streams import is_stream, on_disk
from recsys.data.sources.unpack import MAGIC, unpacked, unpacking_errors

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]  # typing only; in the library since 3.12

READ = 8 << 20  # bytes of a long file to look at at a time
START_BYTES = 16  # enough for any magic
MOST_EXPANSION = 250  # times as many bytes as a compressed file has; tables seldom reach 20
UNPACKED_FREELY = 256 << 20  # bytes


@dataclass(frozen=True)
class ByteRange:
    """The bytes start … stop − 1 of a file as it lies on disk.

    Attributes:
        stop: None: to the end of the file.
    """

    start: int = 0
    stop: int | None = None


WHOLE = ByteRange()


class Stored(io.RawIOBase):
    """A file, or a range of one that is not compressed, opened for reading; it is unpacked on the way.

    Attributes:
        total: its size on disk, bytes.
        done: how many of those have been read.
    """

    def __init__(self, path: Path, span: ByteRange = WHOLE) -> None:
        self.path = path
        self._span = span
        self.total = (must_be_file(path) if span.stop is None else span.stop) - span.start
        self.done = self._n_unpacked = 0
        kind = compression(path)
        self._file: Any = on_disk(path).open("rb", buffering=0)
        self._inner: Any = self._file
        if span.start:
            self._file.seek(span.start)
        if kind is not None:
            try:
                self._inner = unpacked(self._file, kind, path)
            except DataError:
                self._file.close()
                raise

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` unpacked bytes; b"" at the end.

        Raises:
            DataError: the compressed file is cut off or damaged, or unpacks to far more than a table would.
        """
        if self._span.stop is not None:
            left = self.total - self.done
            size = left if size < 0 else min(size, left)
        try:
            data: bytes = self._inner.read(size)
        except unpacking_errors() as error:
            if self._inner is self._file:
                raise
            hint = "download or compress it again"
            what = f"it cannot be unpacked: {error}"
            raise DataError(what, where=str(self.path), expected="a whole compressed file", hint=hint) from error
        self.done = self._file.tell() - self._span.start
        self._n_unpacked += len(data)
        if self._inner is not self._file and self._n_unpacked > max(UNPACKED_FREELY, MOST_EXPANSION * self.done):
            raise DataError(
                f"it unpacks to more than {MOST_EXPANSION} times its size: {self._n_unpacked >> 20:,} MB so far",
                where=str(self.path),
                expected="a compressed table",
                hint="if it is one, unpack it first",
            )
        return data

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._inner is not self._file:
            self._inner.close()
        self._file.close()
        super().close()


def compression(path: Path) -> str | None:
    """How a file is compressed, see unpack.MAGIC, by its first bytes; None if it is not.

    Raises:
        DataError: it may not be read.
    """
    start = start_of(path)
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)


def start_of(path: Path, n_bytes: int = START_BYTES) -> bytes:
    """The first bytes of a file, as they lie on disk.

    Raises:
        DataError: it may not be read.
    """
    try:
        with on_disk(path).open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        hint = "check the permissions of the file"
        what = f"it cannot be opened: {error.strerror}"
        raise DataError(what, where=str(path), expected="a file that can be read", hint=hint) from error


def unpacked_start_of(path: Path, n_bytes: int) -> bytes:
    """The first bytes of a file, unpacked where it is compressed.

    Raises:
        DataError: it may not be read, or is damaged.
    """
    with Stored(path) as stored:
        return io.BufferedReader(stored, n_bytes).peek(n_bytes)[:n_bytes]


def must_be_file(path: Path) -> int:
    """The size of a file in bytes.

    Raises:
        DataError: it is not there, is a folder, or is empty.
    """
    if path.is_dir():
        hint = "name a file in it"
        raise DataError("this is a folder", where=str(path), expected="a file", hint=hint)
    if not path.exists() and path != STDIN:
        names = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, names)
        hint = (
            f"did you mean {path.parent / close}?" if close else "check the path; in a config it starts at its folder"
        )
        raise DataError("there is no such file", where=str(path), expected="a file", hint=hint)
    size = size_of(path)
    if not size and is_stream(path):
        hint = "does the command in front of the pipe write anything?"
        raise DataError("nothing came through", where=str(path), expected="at least one row", hint=hint)
    if not size:
        raise DataError("the file is empty", where=str(path), expected="at least one row")
    return size


def size_of(path: Path) -> int:
    """The bytes of a file as they lie on disk, or of all that came through a stream."""
    return on_disk(path).stat().st_size


Digest = Callable[[Path], str]
"""The sha256 of the bytes of a file, as they lie on disk."""


def fingerprint(path: Path) -> str:
    """sha256 of the bytes of a file, as they lie on disk."""
    return sha256(on_disk(path))
