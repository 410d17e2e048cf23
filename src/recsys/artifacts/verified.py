"""Folders of arrays with checksums, which are checked when the arrays are read.

A sealed folder is a few safetensors files and one json that says everything about them: facts for people, and
size and sha256 of each file. The json carries a checksum of itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.artifacts.arrays import write_arrays
from recsys.core.errors import RunError
from recsys.core.files import new_folder, remove_temporary, sha256
from recsys.core.types import Arrays


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
            checksum = sha256(self.path / name)
        if checksum != self.files[name]["sha256"]:
            raise _damaged(self.path / name, "its sha256 is not the one that was written")


def write_verified(folder: Path, json_name: str, facts: Mapping[str, Any], arrays: Mapping[str, Arrays]) -> None:
    """Writes a sealed folder in one step: a reader sees all of it or nothing.

    Args:
        folder: replaced if it exists; no other process may write into its parent.
        facts: what the json says besides `files` and `checksum`.
        arrays: file name → its arrays.
    """
    remove_temporary(folder.parent)
    with new_folder(folder) as temporary:
        files = {name: write_arrays(temporary / name, content) for name, content in arrays.items()}
        (temporary / json_name).write_bytes(_seal({**facts, "files": files}))
        shutil.rmtree(folder, ignore_errors=True)


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


def _damaged(path: Path, why: str) -> RunError:
    return RunError(f"{path.name} is damaged: {why}", where=str(path), expected="the file as it was written")
