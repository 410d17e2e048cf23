"""Files written past the page cache: what is not read again soon should take neither its memory nor the time for it."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

BUFFER = 1 << 22  # bytes that are written at a time: whole pages, as O_DIRECT needs it
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


class DirectWriter:
    """A new file that is written from its beginning to its end; through the cache where there is no way past it."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            OSError: it cannot be written.
        """
        self._path, self._n_written = path, 0
        self._buffer, self._n_waiting = mmap.mmap(-1, BUFFER), 0
        self._handle = os.open(path, NEW, 0o666)
        self._is_direct, self._may_be_direct = False, hasattr(os, "O_DIRECT")

    def write(self, content: bytes | memoryview) -> None:
        """Adds bytes."""
        rest = memoryview(content)
        while rest:
            n = min(len(rest), BUFFER - self._n_waiting)
            self._buffer[self._n_waiting : self._n_waiting + n] = rest[:n]
            self._n_waiting += n
            rest = rest[n:]
            if self._n_waiting == BUFFER:
                self._flush()

    def close(self) -> None:
        """Writes what waits, and closes the file, unless it is closed."""
        if self._handle < 0:
            return
        try:
            if self._is_direct:
                self._reopen(0)  # the end of the file is no whole page
            self._may_be_direct = False
            self._flush()
        finally:
            os.close(self._handle)
            self._handle = -1

    def _flush(self) -> None:
        if self._may_be_direct and not self._is_direct:
            self._go_direct()
        start = 0
        while start < self._n_waiting:
            start += self._written(start)
        self._n_waiting = 0

    def _written(self, start: int) -> int:
        try:
            n = os.write(self._handle, memoryview(self._buffer)[start : self._n_waiting])
        except OSError as error:
            if not self._is_direct or error.errno != errno.EINVAL:
                raise
            self._may_be_direct = False  # the file system takes other pages, or none
            self._reopen(0)
            return 0
        self._n_written += n
        return n

    def _go_direct(self) -> None:
        try:
            self._reopen(os.O_DIRECT)
        except OSError:  # a file system without it
            self._may_be_direct = False

    def _reopen(self, flags: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | getattr(os, "O_BINARY", 0) | flags)
        os.lseek(handle, self._n_written, os.SEEK_SET)
        os.close(self._handle)
        self._handle, self._is_direct = handle, flags != 0
