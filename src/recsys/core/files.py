"""Files and folders that are whole or not there: written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from recsys.core.errors import RunError
from recsys.core.temporary import TEMPORARY, remove_leftovers, temporary_folder

DASH = "-"
HINTS = {
    errno.ENOSPC: "free some space, or choose another folder",
    errno.EDQUOT: "free some of your space, or choose another folder",
    errno.EACCES: "correct the permissions, or choose another folder",
    errno.EPERM: "correct the permissions, or choose another folder",
}
"""What to do about an error of the system."""

STDIN = Path("/dev/stdin")
"""What DASH stands for where input is named; read through Python, so that it need not exist."""


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path of the same name; the file there replaces `path` at the end, or goes if anything is raised.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path), _beside(path) as temporary:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush_folder(path.absolute().parent)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder of the same name; it becomes `path` at the end, or goes if anything is raised.

    Raises:
        RunError: it cannot be written, or there is a folder at `path` that is not empty.
    """
    with writing(path):
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with writing(path), _beside(path) as temporary:
        temporary.mkdir()
        yield temporary
        for written in (temporary, *temporary.rglob("*")):
            (_flush_folder if written.is_dir() else _flush)(written)
        if path.exists():
            path.rmdir()
        temporary.rename(path)
        _flush_folder(path.absolute().parent)


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
    """Removes a folder in one step: a reader sees all of it or nothing, and so does who comes after a kill.

    Raises:
        RunError: it cannot be removed.
    """
    with writing(path), _beside(path) as temporary:
        path.rename(temporary)
        shutil.rmtree(temporary)


def is_device(file: Path | int) -> bool:
    """Whether a path, or an open file by its number, is a device such as /dev/zero, which may never end.

    /dev/null, which holds nothing, is not counted.
    """
    try:
        facts, nothing = (os.stat(place) for place in (file, os.devnull))  # noqa: PTH116 - also of a number
    except OSError:
        return False
    return (stat.S_ISCHR(facts.st_mode) or stat.S_ISBLK(facts.st_mode)) and not os.path.samestat(facts, nothing)


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError into an error that names the path, also where it was raised for a temporary one beside it.

    Raises:
        RunError: an OSError was raised.
    """
    try:
        yield
    except OSError as error:
        where = _meant(Path(error.filename), path) if isinstance(error.filename, str | Path) else path
        why: object = error.strerror or error
        if isinstance(error, FileExistsError):
            why = "it is a file, not a folder"
        elif isinstance(error, FileNotFoundError) and where.parent.is_dir():  # such as /proc
            why = f"{where.parent} takes no new files"
        raise RunError(
            f"cannot write: {why}",
            where=str(where),
            expected="a folder that can be written, on a disk with room",
            hint=HINTS.get(error.errno or 0, "choose another folder"),
        ) from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A path of the same name in a temporary folder beside it; what killed processes have left of this name goes."""
    parent, prefix = path.absolute().parent, f"{TEMPORARY}{path.name}-"
    remove_leftovers(parent, prefix)
    with temporary_folder(parent, prefix) as folder:
        yield folder / path.name  # who writes there may look at its name


def _meant(where: Path, path: Path) -> Path:
    """What a path will be when `path` is there: it may lie in the temporary folder for that."""
    prefix = f"{TEMPORARY}{path.name}-"
    outer = next((parent for parent in (where, *where.parents) if parent.name.startswith(prefix)), None)
    return where if outer is None else path.joinpath(*where.relative_to(outer).parts[1:])


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
