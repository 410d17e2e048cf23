"""Folders of arrays under a manifest: sizes are checked when they are opened, checksums when a file is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from recsys.artifacts.arrays import memory_map, read_arrays, write_arrays
from recsys.artifacts.check_arrays import check_arrays
from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import M, Manifest, damaged, seal, unseal
from recsys.core.errors import RunError
from recsys.core.files import new_folder, remove_folder
from recsys.core.layout import Layout
from recsys.core.regular import NotRegularError, read_regular, sha256_of_regular, size_of_regular
from recsys.core.types import Arrays

MOST_JSON = 1 << 24  # bytes of a manifest


@dataclass(frozen=True)
class VerifiedFolder(Generic[M]):
    """A folder whose manifest is in order and whose files have their sizes.

    Attributes:
        path: as it was named.
        place: absolute: files that are read later are found from another working directory too.
    """

    path: Path
    place: Path
    json_name: str
    manifest: M

    def arrays(self, name: str) -> Arrays:
        """The arrays of one file, its sha256 checked. What they are is checked by `check_layout`.

        Raises:
            RunError: the file is damaged.
        """
        with reading(self.path / name):
            return read_arrays(self.place / name, self.path / name, self.entry(name))

    def mapped(self, name: str) -> Arrays:
        """The same arrays, which are read from disk as they are touched."""
        with reading(self.path / name):
            return memory_map(self.place / name, self.path / name, self.entry(name))

    def check(self, name: str) -> None:
        """Raises RunError if the file's sha256 is not the one that was written."""
        with reading(self.path / name):
            checksum = sha256_of_regular(self.place / name)
        if checksum != self.entry(name).sha256:
            raise damaged(self.path / name, "its sha256 is not the one that was written")

    def entry(self, name: str) -> FileEntry:
        """What the manifest says of a file.

        Raises:
            RunError: nothing.
        """
        if name not in self.files:
            raise damaged(self.json, f"it does not list {name}")
        return self.files[name]

    @property
    def json(self) -> Path:
        """The file that holds the manifest."""
        return self.path / self.json_name

    @property
    def files(self) -> dict[str, FileEntry]:
        """The files beside the manifest, as they were written."""
        return self.manifest.files


def write_verified(folder: Path, json_name: str, manifest: Manifest, arrays: Mapping[str, Arrays]) -> None:
    """Writes a folder in one step: a reader sees all of it or nothing.

    Args:
        folder: replaced if it exists.
        manifest: to which the files are added.
        arrays: file name → its arrays.
    """
    with new_folder(folder) as temporary:
        files = {name: write_arrays(temporary / name, content) for name, content in arrays.items()}
        (temporary / json_name).write_bytes(seal(manifest.model_copy(update={"files": files})))
        if folder.exists():
            remove_folder(folder)


def open_verified(folder: Path, json_name: str, schema: type[M]) -> VerifiedFolder[M]:
    """Opens a folder.

    Raises:
        RunError: not there, of another format, the json is damaged, or a file is missing or has another size.
    """
    path = folder / json_name
    with reading(path):
        text = read_regular(path, MOST_JSON)
    manifest = unseal(path, text, schema)
    for name, entry in manifest.files.items():
        with reading(folder / name):
            size = size_of_regular(folder / name)
        if size != entry.bytes:
            raise damaged(folder / name, f"it has {size} bytes, and {entry.bytes} were written")
    return VerifiedFolder(folder, folder.absolute(), json_name, manifest)


def check_layout(path: Path, arrays: Arrays, layout: Layout, **sizes: int) -> dict[str, int]:
    """Refuses arrays that are not as their layout says, see `check_arrays`.

    Raises:
        RunError: which one, and why.
    """
    with consistent(path):
        return check_arrays(arrays, layout, sizes)


@contextlib.contextmanager
def consistent(path: Path) -> Iterator[None]:
    """Turns a ValueError about what a file holds, also of texts that are not utf-8, into an error that names it."""
    try:
        yield
    except ValueError as error:
        raise damaged(path, str(error)) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what an operating system says against reading into an error that names the path."""
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except NotRegularError as error:
        raise damaged(path, str(error.strerror)) from error
    except OSError as error:
        raise RunError(f"cannot read: {error.strerror or error}", where=str(path)) from error
