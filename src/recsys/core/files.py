"""Files and folders that are whole or not there: written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from recsys.core.errors import RunError

DASH = "-"
STDIN = Path("/dev/stdin")
"""What DASH stands for where input is named; read through Python, so that it need not exist."""
TEMPORARY = ".writing-"
STALE_SECONDS = 24 * 60 * 60  # what has not changed for so long was left by a process that was killed


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; the file written there replaces `path` at the end, or goes if anything is raised.

    Raises:
        RunError: it cannot be written.
    """
    temporary = _temporary(path)
    try:
        with writing(path, temporary):
            yield temporary
            _flush(temporary)
            temporary.replace(path)
            _flush_folder(temporary.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder of the same name; it becomes `path` at the end, or goes if anything is raised.

    Raises:
        RunError: it cannot be written, or there is a folder at `path` that is not empty.
    """
    outer = _temporary(path)
    temporary = outer / path.name  # who writes into it may look at its name
    try:
        with writing(path, temporary, outer):
            temporary.mkdir(parents=True)
            yield temporary
            for written in (temporary, *temporary.rglob("*")):
                (_flush_folder if written.is_dir() else _flush)(written)
            if path.exists():
                path.rmdir()
            temporary.rename(path)
            _flush_folder(outer.parent)
    finally:
        shutil.rmtree(outer, ignore_errors=True)


@contextlib.contextmanager
def parents_of(path: Path) -> Iterator[None]:
    """The folders above a path are there; those that were made for it are gone afterwards where they are empty.

    Raises:
        RunError: they cannot be made.
    """
    made = [parent for parent in path.absolute().parents if not parent.exists()]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for parent in made:
            with contextlib.suppress(OSError):  # something is in it
                parent.rmdir()


def write_text(path: Path, text: str) -> None:
    """Writes a file in utf-8 in one step: a reader sees the old one or the new one.

    Raises:
        RunError: it cannot be written.
    """
    with new_file(path) as temporary:
        temporary.write_bytes(text.encode())


def remove_folder(path: Path) -> None:
    """Removes a folder in one step: a reader sees all of it or nothing.

    Raises:
        RunError: it cannot be removed.
    """
    temporary = _temporary(path)
    with writing(path, temporary):
        path.rename(temporary)
        shutil.rmtree(temporary)


def remove_temporary(folder: Path) -> None:
    """Removes what a killed process left in a folder that no other process writes."""
    for path in folder.glob(f"{TEMPORARY}*"):
        _remove(path)


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(path: Path, *temporary: Path) -> Iterator[None]:
    """Turns an OSError into an error that names the path.

    Args:
        temporary: paths that stand for `path`; the error names what they stand for.
    Raises:
        RunError: an OSError was raised.
    """
    try:
        yield
    except OSError as error:
        why = "it is a file, not a folder" if isinstance(error, FileExistsError) else error.strerror or error
        where = Path(error.filename or path)
        if stand_in := next((candidate for candidate in temporary if where.is_relative_to(candidate)), None):
            where = path / where.relative_to(stand_in)
        raise RunError(
            f"cannot write: {why}",
            where=str(where),
            expected="a folder that can be written, on a disk with room",
            hint="free some space, correct the permissions, or choose another folder",
        ) from error


def _temporary(path: Path) -> Path:
    """A name beside `path` that no other process uses; those that killed processes left are removed."""
    absolute = path.absolute()
    for left in absolute.parent.glob(f"{glob.escape(TEMPORARY + path.name)}-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                _remove(left)
    return absolute.with_name(f"{TEMPORARY}{path.name}-{os.urandom(4).hex()}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def relative_path(path: Path, folder: Path) -> str:
    """The path as seen from an absolute folder, with forward slashes; absolute where that is another drive."""
    try:
        return Path(os.path.relpath(path.absolute(), folder)).as_posix()
    except ValueError:
        return path.absolute().as_posix()
