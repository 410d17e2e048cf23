"""Folders of arrays under a manifest: sizes are checked when they are opened, checksums when a file is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias

from recsys.artifacts.arrays import memory_map, write_arrays
from recsys.artifacts.manifest import FileEntry, M, Manifest, damaged, seal, unseal
from recsys.core.errors import RunError
from recsys.core.files import new_folder, remove_folder, sha256
from recsys.core.types import Array, Arrays

Layout: TypeAlias = Mapping[str, tuple[str, tuple[int, ...]]]
"""Array name → dtype and shape."""


@dataclass(frozen=True)
class VerifiedFolder(Generic[M]):
    """A folder whose manifest is in order and whose files have their sizes.

    Attributes:
        path: as it was named.
        place: absolute: files that are read later are found from another working directory too.
    """

    path: Path
    place: Path
    manifest: M

    def arrays(self, name: str) -> Arrays:
        """The arrays of one file, its sha256 checked.

        Raises:
            RunError: the file is damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        self.check(name)
        try:
            return load((self.place / name).read_bytes())
        except SafetensorError as error:
            raise damaged(self.path / name, str(error)) from error

    def mapped(self, name: str, layout: Layout) -> tuple[Array, ...]:
        """Arrays of one file, its sha256 checked, which are read from disk as they are touched.

        Raises:
            RunError: the file is damaged, or an array is not as the layout says.
        """
        self.check(name)
        arrays = memory_map(self.place / name)
        check_layout(self.path / name, arrays, layout)
        return tuple(arrays[key] for key in layout)

    def check(self, name: str) -> None:
        """Raises RunError if the file's sha256 is not the one that was written."""
        with reading(self.path / name):
            checksum = sha256(self.place / name)
        if checksum != self.files[name].sha256:
            raise damaged(self.path / name, "its sha256 is not the one that was written")

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
        text = path.read_bytes()
    manifest = unseal(path, text, schema)
    for name, entry in manifest.files.items():
        with reading(folder / name):
            size = (folder / name).stat().st_size
        if size != entry.bytes:
            raise damaged(folder / name, f"it has {size} bytes, and {entry.bytes} were written")
    return VerifiedFolder(folder, folder.absolute(), manifest)


def check_layout(path: Path, arrays: Arrays, layout: Layout) -> None:
    """Refuses arrays that are missing, or of another type or shape.

    Raises:
        RunError: an array is not as the layout says.
    """
    for name, (dtype, shape) in layout.items():
        array = arrays.get(name)
        if array is None:
            raise damaged(path, f"it lacks the array {name!r}")
        if (array.dtype.name, array.shape) != (dtype, shape):
            raise damaged(path, f"the array {name!r} is {array.dtype.name} {array.shape}, and not {dtype} {shape}")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what an operating system says against reading into an error that names the path."""
    try:
        yield
    except FileNotFoundError as error:
        raise damaged(path, "the file is missing") from error
    except OSError as error:
        raise RunError(f"cannot read: {error.strerror or error}", where=str(path)) from error
