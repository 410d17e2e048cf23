"""Temporary folders: held by their process while it lives, so that those of killed ones are known and removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

TEMPORARY = ".writing-"  # goes before the name of what is being written
SCRATCH = "recsys-scratch-"  # in the system's temporary folder
STALE_SECONDS = (
    24 * 60 * 60
)  # where no lock tells: what has not changed for so long was left by a process that was killed
NO_LOCKS = -1


@contextlib.contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder that begins with `prefix` and that this process holds; at the end all of it goes."""
    while True:
        folder = parent / f"{prefix}{os.urandom(4).hex()}"
        folder.mkdir(mode=0o700 if prefix == SCRATCH else 0o777)
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(held(folder)):
                remove_leftover(folder)  # in the moment before, another process has taken it for one
                continue
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder
            return


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder that no one else needs, in the system's; those that killed processes have left there go."""
    parent = scratch_root()
    remove_leftovers(parent, SCRATCH)
    with temporary_folder(parent, SCRATCH) as folder:
        yield folder


def scratch_root() -> Path:
    """Where scratch folders are."""
    import tempfile  # and with it random: for who needs it

    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def held(path: Path) -> Iterator[bool]:
    """Marks a file or a folder as in use by this process, however it ends; False if it is held, or not there."""
    try:
        handle = _lock(path)
    except OSError:
        yield False
        return
    try:
        yield handle == NO_LOCKS or _is_at(handle, path)
    finally:
        if handle != NO_LOCKS:
            os.close(handle)


def leftovers(folder: Path, prefix: str = TEMPORARY) -> list[Path]:
    """What killed processes of this user have left in a folder, of the names that begin with `prefix`."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if is_left(folder / name)]


def remove_leftovers(folder: Path, prefix: str = TEMPORARY) -> None:
    """Removes what killed processes have left in a folder; what cannot be removed stays."""
    for path in leftovers(folder, prefix):
        remove_leftover(path)


def is_left(path: Path) -> bool:
    """Whether no process holds a file or a folder; where there are no locks, whether it is old."""
    try:
        status = path.lstat()
        if sys.platform != "win32" and status.st_uid != os.getuid():
            return False
        handle = _lock(path)
    except OSError:  # it is held, or gone
        return False
    if handle == NO_LOCKS:
        return time.time() - status.st_mtime > STALE_SECONDS
    os.close(handle)
    return True


def remove_leftover(path: Path) -> bool:
    """Removes a file or a folder, unless a process holds it; whether it is gone."""
    with held(path) as is_ours:
        if is_ours:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
    return not os.path.lexists(path)


def _lock(path: Path) -> int:
    """An open handle that locks a file or a folder until it is closed; NO_LOCKS where there is no such thing.

    Raises:
        OSError: it is locked, or not there.
    """
    if sys.platform == "win32" or path.is_symlink():
        path.lstat()
        return NO_LOCKS
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks, such as some on a network
        os.close(handle)
        return NO_LOCKS
    return handle


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file still has this path: while it was being locked, another process may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False
