"""Files of a run, opened for reading: only regular ones, so that nobody waits for a pipe or reads a device for ever.

Folders may be links; a file of a run may not: whoever resumes a run writes into it, and what a stranger's run links to
is no part of it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

OPENING, APPENDING = os.O_RDONLY, os.O_WRONLY | os.O_APPEND | os.O_CREAT  # and whatever of this the system has
for _flag in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW"):
    OPENING, APPENDING = (flags | getattr(os, _flag, 0) for flags in (OPENING, APPENDING))
KINDS = {
    stat.S_IFLNK: "a link (cp -rL copies what links name)",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(OSError):
    """What should be a file of a run is something else, or larger than such a file is."""


def open_regular(path: Path) -> BufferedReader:
    """Opens a file.

    Raises:
        NotRegularError: it is no file.
        OSError: it cannot be opened.
    """
    size_of_regular(path)  # to open some devices has an effect
    file = os.fdopen(os.open(path, OPENING), "rb")
    try:
        _refuse_others(os.fstat(file.fileno()))  # nor does what was put there in between block
    except NotRegularError:
        file.close()
        raise
    return file


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file.

    Args:
        most: how many it may have.
    Raises:
        NotRegularError: it is no file, or has more.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise NotRegularError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def sha256_of_regular(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal.

    Raises:
        NotRegularError, OSError: as of `open_regular`.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def append_regular(path: Path, content: bytes) -> None:
    """Adds to the end of a file, which is made where there is none; not through a link.

    Raises:
        OSError: it cannot be written, or is a link.
    """
    with os.fdopen(os.open(path, APPENDING, 0o666), "ab") as file:
        file.write(content)


def size_of_regular(path: Path) -> int:
    """The size of a file.

    Raises:
        NotRegularError: it is no file.
        OSError: it is not there.
    """
    status = path.lstat()
    _refuse_others(status)
    return status.st_size


def _refuse_others(status: os.stat_result) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise NotRegularError(errno.EINVAL, f"it is {KINDS.get(kind, 'something else')}, not a file")
