"""Writes a prepared store, column by column, in one step: it is there when all of it is written, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from recsys.artifacts.arrays import write_arrays
from recsys.artifacts.columns import ColumnWriter, stored_column
from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import seal
from recsys.artifacts.store import INDEX, STORE_JSON, StoreManifest, file_of
from recsys.core.errors import RunError
from recsys.core.files import new_folder, remove_folder
from recsys.core.types import Array, Arrays
from recsys.data.stored_column import StoredColumn, part_starts

READ_AGAIN = frozenset({"row_rating"})  # soon after it is written


class StoreWriter:
    """A store that is being written.

    Attributes:
        folder: where its files are meanwhile.
        scratch: a folder for what is gone in the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.scratch = folder, folder / "scratch"
        self.scratch.mkdir()
        self._files: dict[str, FileEntry] = {}
        self._index: Arrays = {}

    @contextmanager
    def columns(self, kinds: Mapping[str, Any], n_rows: int) -> Iterator[list[ColumnWriter]]:
        """Columns that grow side by side, and have so many rows at the end."""
        with ExitStack() as stack:
            writers = [
                stack.enter_context(
                    ColumnWriter(self.folder / file_of(name), kind, n_rows, is_read_again=name in READ_AGAIN)
                )
                for name, kind in kinds.items()
            ]
            yield writers
            for name, writer in zip(kinds, writers, strict=True):
                self._files[file_of(name)] = writer.close()
                self._index[f"{name}_crc32"] = np.array(writer.checksums, dtype=np.int64)

    def read(self, kinds: Mapping[str, Any], n_rows: int) -> Iterable[StoredColumn]:
        """Columns that were written, read from disk as they are used."""
        for name, kind in kinds.items():
            path = self.folder / file_of(name)
            yield stored_column(path, path, kind, part_starts(n_rows), None)

    def write(self, name: str, arrays: Arrays) -> None:
        """A file of whole arrays."""
        self._files[name] = write_arrays(self.folder / name, arrays)

    def index(self, **arrays: Array) -> None:
        """Adds to the index."""
        self._index |= arrays

    def close(self, manifest: StoreManifest) -> int:
        """Writes index and manifest; returns how many bytes all other files have."""
        shutil.rmtree(self.scratch)
        self.write(INDEX, self._index)
        (self.folder / STORE_JSON).write_bytes(seal(manifest.model_copy(update={"files": self._files})))
        return sum(entry.bytes for entry in self._files.values())


@contextmanager
def new_store(path: Path) -> Iterator[StoreWriter]:
    """A store that appears at the end; an earlier one at this path is replaced then.

    Raises:
        RunError: it cannot be written, or something else is there.
    """
    check_place(path)
    with new_folder(path) as temporary:
        yield StoreWriter(temporary)
        if path.exists() and any(path.iterdir()):
            check_place(path)
            remove_folder(path)


def check_place(path: Path) -> None:
    """Raises RunError where a store would replace anything but a store or an empty folder."""
    if path.is_file():
        what = "this is a file"
    elif path.is_dir() and not (path / STORE_JSON).exists() and any(path.iterdir()):
        what = "this folder holds something else than a prepared store"
    else:
        return
    raise RunError(what, where=str(path), expected="a new or empty folder, or a store to replace")
