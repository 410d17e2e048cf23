"""Several files that are one source: those that a pattern such as parts/*.parquet names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path

from recsys.core.errors import DataError
from recsys.data.sources.batches import Batch
from recsys.data.sources.protocol import ColumnRequest, Layout, Source


def files_of(path: Path) -> list[Path]:
    """The files that a pattern names, in the order of their names; the path itself where it is no pattern.

    Raises:
        DataError: the pattern names none.
    """
    if path.exists() or not has_magic(str(path)):
        return [path]
    root = Path(path.anchor)
    files = sorted(file for file in root.glob(str(path.relative_to(root))) if file.is_file())
    if not files:
        hint = "check the pattern; in a config it starts at its folder"
        raise DataError("no file fits this pattern", where=str(path), expected="one file or more", hint=hint)
    return files


class SeveralFiles:
    """The rows of several sources, one after the other; each may be of another format."""

    is_repeatable = True

    def __init__(self, sources: Sequence[Source], files: Sequence[Path]) -> None:
        self._sources, self._files = sources, files
        self._n_rows: dict[int, int] = {}

    def layout(self, columns: ColumnRequest) -> Layout:
        """That of the first.

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
        return replace(first, description=f"{first.description}, in {len(self._files)} files")

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

    def fingerprint(self) -> str:
        """sha256 of the fingerprints of the files."""
        return hashlib.sha256("".join(source.fingerprint() for source in self._sources).encode()).hexdigest()

    def _rows_in(self, number: int) -> int:
        """How many rows a file has; another rank may have read it."""
        if number not in self._n_rows:
            item = ColumnRequest(frozenset({"item"}))
            self._n_rows[number] = sum(batch.n_rows for batch in self._sources[number].batches(item, 0, 1))
        return self._n_rows[number]
