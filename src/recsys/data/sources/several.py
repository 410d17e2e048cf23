"""Several files that are one source: those in a list, or that a pattern such as parts/*.parquet names."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path
from typing import TypeVar

from recsys.config.schema.data import Data, Files
from recsys.core.errors import DataError
from recsys.data.sources.batches import Batch
from recsys.data.sources.protocol import ColumnRequest, Layout, Source
from recsys.data.sources.stored import Digest, fingerprint

K = TypeVar("K")
V = TypeVar("V")


def files_of(files: Files) -> list[Path]:
    """The files of a list, those that a pattern names in the order of their names; the path where it is no pattern.

    Raises:
        DataError: the pattern names none.
    """
    if isinstance(files, tuple):
        return [file for path in files for file in files_of(path)]
    path = files
    if path.exists() or not has_magic(str(path)):
        return [path]
    root = Path(path.anchor)
    matches = sorted(file for file in root.glob(str(path.relative_to(root))) if file.is_file())
    if not matches:
        hint = "check the pattern; in a config it starts at its folder"
        raise DataError("no file fits this pattern", where=str(path), expected="one file or more", hint=hint)
    return matches


def files_read(data: Data) -> list[Path]:
    """All files that a config names for ratings and items; a pattern that names none is left to whoever reads."""
    paths = [] if data.items is None else [data.items]
    for files in data.files.values():
        with contextlib.suppress(DataError):
            paths += files_of(files)
    return paths


class SeveralFiles:
    """The rows of several sources, one after the other; each may be of another format."""

    is_repeatable = True

    def __init__(self, sources: Sequence[Source], files: Sequence[Path]) -> None:
        self._sources, self._files = sources, files
        self._n_rows: dict[int, int] = {}

    def layout(self, columns: ColumnRequest) -> Layout:
        """What is alike in all files: the others are found by themselves in each.

        Raises:
            DataError: another one has other columns of those that are asked for.
        """
        first, *others = [source.layout(columns) for source in self._sources]
        for layout, file in zip(others, self._files[1:], strict=True):
            odd = sorted(first.names.keys() ^ layout.names.keys())
            if odd:
                has, has_not = (self._files[0], file) if odd[0] in first.names else (file, self._files[0])
                what = f"there is no column of {odd[0]}s here, and there is one in {has}"
                expected = "the same columns in all files"
                raise DataError(what, where=str(has_not), expected=expected, hint=f"look at data.columns.{odd[0]}")
        description = f"{first.description}, in {len(self._files)} files"
        alike = _in_all(first.columns, [layout.columns for layout in others])
        return Layout(
            alike, first.names, first.others, _in_all(first.facts, [layout.facts for layout in others]), description
        )

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """The rows of some of the files."""
        self.layout(columns)
        n = len(self._sources)
        own = range(part * n // n_parts, (part + 1) * n // n_parts)
        for n_done, number in enumerate(own):
            n_rows = 0
            for batch in self._sources[number].batches(columns, 0, 1):
                n_rows += batch.n_rows
                yield replace(batch, share=(n_done + batch.share) / len(own))
            self._n_rows[number] = n_rows

    def locate(self, row: int) -> str:
        """The place in the file that has the row."""
        number = 0
        while row >= self._rows_in(number):
            row -= self._rows_in(number)
            number += 1
        return self._sources[number].locate(row)

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of the fingerprints of the files."""
        return hashlib.sha256("".join(source.fingerprint(digest) for source in self._sources).encode()).hexdigest()

    def _rows_in(self, number: int) -> int:
        """How many rows a file has; another rank may have read it."""
        if number not in self._n_rows:
            item = ColumnRequest(frozenset({"item"}))
            self._n_rows[number] = sum(batch.n_rows for batch in self._sources[number].batches(item, 0, 1))
        return self._n_rows[number]


def _in_all(first: Mapping[K, V], others: Sequence[Mapping[K, V]]) -> dict[K, V]:
    """The entries that all have."""
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
