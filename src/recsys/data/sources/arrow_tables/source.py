"""Tables with named and typed columns as sources: Parquet, Arrow and JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Loading, Observer
from recsys.data.sources.arrow_tables.convert import Values, ids_of, ratings_of, times_of
from recsys.data.sources.arrow_tables.table import ArrowTable, Rows
from recsys.data.sources.batches import Batch
from recsys.data.sources.column_names import common_names
from recsys.data.sources.find_columns import find_columns
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.progress import Progress
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.stored import Digest, fingerprint
from recsys.data.sources.table import ROLES, Role, TimeUnit


@dataclass(frozen=True)
class ColumnNames:
    """The head of a table whose columns have names."""

    path: Path
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...] = ()
    wide_hint: ClassVar[str] = "in pandas, DATAFRAME.melt(USER).dropna() has a row for each rating"

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header)


class ArrowSource:
    """A table with a row for each rating, whose columns have names and types."""

    is_repeatable = True

    def __init__(self, table: ArrowTable, data: Data, observe: Observer) -> None:
        if data.layout == "wide":
            raise DataError(
                "a wide matrix is read from text files alone",
                where=str(table.path),
                expected="a row for each rating: user, item, rating",
                hint=f"{ColumnNames.wide_hint}; or save it as CSV",
            )
        self._table, self._observe = table, observe
        self._head = ColumnNames(table.path, tuple(table.schema.names))
        self._columns, self._names = data.columns, common_names(data.rating_is)
        self._no_rating = NoRating.of(data.no_rating)

    def layout(self, columns: ColumnRequest) -> Layout:
        """Its columns, format and compression."""
        names = self._find(columns)
        packed = self._table.compression
        return Layout(
            columns=dict(names),
            names=dict(names),
            others=tuple(name for name in self._head.header if name not in names.values()),
            facts={"format": self._table.format, "compression": packed},
            description=self._table.description + (f", {packed}" if packed else ""),
        )

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """The rows of a part; a table that cannot be cut gives all rows to part 0."""
        names, path = self._find(columns), self._table.path
        size = self._table.n_bytes
        progress = Progress(path, self._observe)
        n_rows, unit = 0, None
        for rows in self._table.rows(list(names.values()), part, n_parts):
            batch = self._batch(rows, names, unit)
            n_rows, unit = n_rows + batch.n_rows, batch.time_unit
            yield batch
            progress.now(int(rows.share * size), size)
            del rows, batch
        if not n_rows and n_parts == 1:
            raise DataError("there are columns and no rows", where=str(path), expected="rows")
        self._observe(Loading(path, size, size))

    def locate(self, row: int) -> str:
        """The number of a row, or its line."""
        return self._table.place(row)

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of the bytes as stored."""
        return digest(self._table.path)

    def _batch(self, rows: Rows, names: Mapping[Role, Column], unit: TimeUnit | None) -> Batch:
        columns = {
            role: Values.of(rows.columns.column(str(name)), str(name), rows.first, self._table.place)
            for role, name in names.items()
        }
        times, unit = times_of(columns["timestamp"], unit) if "timestamp" in columns else (None, None)
        return Batch(
            user=ids_of(columns["user"], "user") if "user" in columns else None,
            item=ids_of(columns["item"], "item") if "item" in columns else None,
            rating=ratings_of(columns["rating"], self._no_rating) if "rating" in columns else None,
            timestamp=times,
            time_unit=unit,
            n_rows=rows.columns.num_rows,
            share=rows.share,
        )

    def _find(self, columns: ColumnRequest) -> dict[Role, str]:
        """The name of each requested column.

        Raises:
            DataError: one is not there, or its name is that of another one too.
        """
        positions = find_columns(self._head, self._columns, columns, self._names)
        names = {role: self._head.header[positions[role]] for role in ROLES if role in positions}
        for name in names.values():
            if self._head.header.count(name) > 1:
                what = f"there are {self._head.header.count(name)} columns called {name!r}"
                raise DataError(
                    what, where=str(self._table.path), expected="a name for each", hint="rename one of them"
                )
        return names
