"""Folders that are whole or not there: written aside, flushed, renamed, and checked when they are read.

A sealed folder is a few safetensors files and one json that says everything about them: facts for people, and
size and sha256 of each file. The json carries a checksum of itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.artifacts.arrays import write_arrays
from recsys.core.errors import RunError
from recsys.core.types import Arrays

TEMPORARY = ".writing-"


@dataclass(frozen=True)
class VerifiedFolder:
    """A sealed folder whose json is in order and whose files have their sizes."""

    path: Path
    facts: dict[str, Any]
    files: dict[str, dict[str, Any]]

    def arrays(self, name: str) -> Arrays:
        """The arrays of one file, its sha256 checked."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        self.check(name)
        try:
            return load((self.path / name).read_bytes())
        except SafetensorError as error:
            raise _damaged(self.path / name, str(error)) from error

    def check(self, name: str) -> None:
        """Raises RunError if the file's sha256 is not the one that was written."""
        with reading(self.path / name):
            found = sha256(self.path / name)
        if found != self.files[name]["sha256"]:
            raise _damaged(self.path / name, "its sha256 is not the one that was written")


def write_verified(folder: Path, json_name: str, facts: Mapping[str, Any], arrays: Mapping[str, Arrays]) -> None:
    """Writes a sealed folder in one step: a reader sees all of it or nothing.

    Args:
        facts: what the json says besides `files` and `checksum`.
        arrays: file name → its arrays.
    """
    with writing(folder):
        aside = folder.with_name(TEMPORARY + folder.name)
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        files = {name: write_arrays(aside / name, content) for name, content in arrays.items()}
        _write_through(aside / json_name, _seal({**facts, "files": files}))
        _flush_folder(aside)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
        _flush_folder(folder.parent)


@contextlib.contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """A place for a folder of any content, which becomes `folder` when all of it is written, or goes away."""
    outer = folder.absolute().with_name(TEMPORARY + folder.name)
    aside = outer / folder.name  # what is written may look at its name
    try:
        with writing(folder):
            shutil.rmtree(outer, ignore_errors=True)
            aside.mkdir(parents=True)
        yield aside
        with writing(folder):
            if folder.exists():
                folder.rmdir()  # empty, or it would not be written to
            aside.rename(folder)
            _flush_folder(folder.absolute().parent)
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def open_verified(folder: Path, json_name: str) -> VerifiedFolder:
    """Opens a sealed folder.

    Raises:
        RunError: not there, the json is damaged, or a file is missing or has another size.
    """
    path = folder / json_name
    with reading(path):
        text = path.read_bytes()
    facts = _unseal(path, text)
    files = facts.pop("files")
    for name, written in files.items():
        with reading(folder / name):
            size = (folder / name).stat().st_size
        if size != written["bytes"]:
            raise _damaged(folder / name, f"it has {size} bytes, and {written['bytes']} were written")
    return VerifiedFolder(folder, facts, files)


def write_file(path: Path, text: str) -> None:
    """Writes a file in one step: a reader sees the old one or the new one."""
    with writing(path):
        aside = path.with_name(TEMPORARY + path.name)
        _write_through(aside, text.encode())
        aside.replace(path)
        _flush_folder(path.parent)


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what an operating system says against writing into an error that names the path."""
    try:
        yield
    except OSError as error:
        why = "it is a file, not a folder" if isinstance(error, FileExistsError) else error.strerror or error
        where = Path(error.filename or path)
        raise RunError(
            f"cannot write: {why}",
            where=str(where.with_name(where.name.removeprefix(TEMPORARY))),
            expected="a folder that can be written, on a disk with room",
            hint="free some space, mend the permissions, or choose another folder",
        ) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what an operating system says against reading into an error that names the path."""
    try:
        yield
    except FileNotFoundError as error:
        raise _damaged(path, "the file is missing") from error
    except OSError as error:
        raise RunError(f"cannot read: {error.strerror or error}", where=str(path)) from error


def _seal(facts: Mapping[str, Any]) -> bytes:
    body = json.dumps(facts, indent=2, ensure_ascii=False)
    checksum = hashlib.sha256(body.encode()).hexdigest()
    return (body.removesuffix("\n}") + f',\n  "checksum": "{checksum}"\n}}\n').encode()


def _unseal(path: Path, text: bytes) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(text)
        facts.pop("checksum")
        intact = _seal(facts) == text
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(path, "it is not the json that was written") from error
    if not intact:
        raise _damaged(path, "its checksum is not that of its text")
    return facts


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(path: Path, why: str) -> RunError:
    return RunError(f"{path.name} is damaged: {why}", where=str(path), expected="the file as it was written")
