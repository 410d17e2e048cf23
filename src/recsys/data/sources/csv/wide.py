"""A wide matrix as a source: a row for each user, a column for each item, and a rating in each cell that has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Columns, Data
from recsys.core.errors import DataError
from recsys.core.events import Loading, Observer, silent
from recsys.core.words import counted
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts
from recsys.data.sources.column_names import COMMON, ITEM_IDS, plain
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.no_row import one_column
from recsys.data.sources.csv.wide_cells import Matrix, cells_of, rated_cells
from recsys.data.sources.find_columns import by_common_name, label, position_of
from recsys.data.sources.no_rating import MISSING, NoRating
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.stored import Digest, compression, fingerprint, size_of
from recsys.data.sources.table import Role
from recsys.data.sources.values import number_with

LEAST_COLUMNS = 6  # of a file that is taken for a wide matrix
LEAST_SHARE = 0.95  # of its cells that are numbers, or stand for none
KNOWN = frozenset((*COMMON["user"], *ITEM_IDS, *COMMON["rating"]))
USUAL_CODE = 99.0  # of Jester


class WideSource:
    """A wide matrix in a text file; empty cells, and those with a code of `data.no_rating`, are no rows.

    Where its first column is one of items, its rows are the items and its other columns the users.
    """

    is_repeatable = True

    def __init__(self, path: Path, data: Data, observe: Observer) -> None:
        """Looks at the first lines.

        Raises:
            DataError: it is empty or not text, it has a single column, or that of the users is not there.
        """
        self.path = path
        self.dialect = _dialect(path, data)
        self._observe = observe
        no_rating = NoRating.of(data.no_rating)
        self._row_role, ids = _ids_of_rows(self.dialect, data.columns, no_rating)
        is_count = ids is None and _counts_ratings(self.dialect, no_rating)
        ratings = [at for at in range(1 if is_count else 0, self.dialect.width) if at != ids]
        if not ratings:
            raise one_column(self.dialect)
        self._matrix = Matrix(self.dialect, ids, ratings, no_rating)

    def layout(self, columns: ColumnRequest) -> Layout:
        """The column with an id for each row; each other one is an item, or a user."""
        dialect, at, role = self.dialect, self._matrix.ids, self._row_role
        facts = {
            "compression": compression(self.path),
            "encoding": dialect.encoding,
            "delimiter": dialect.delimiter,
            "header": dialect.header is not None,
            "decimal": dialect.decimal,
            "layout": "wide",
        }
        name: dict[Role, Column] = {}
        if at is not None:
            name[role] = label(at, dialect.header) if dialect.header and dialect.header[at].strip() else at + 1
        rows_are = "rows numbered from 1" if at is None else f"column {name[role]}"
        other = "user" if role == "item" else "item"
        names: dict[Role, str | None] = {"user": None, "item": None, "rating": None}
        if dialect.header:
            names |= {named: str(column) for named, column in name.items()}
        return Layout(
            columns=name,
            names=names,
            others=(),
            facts=facts,
            description=f"delimiter {dialect.delimiter!r}, {dialect.encoding}, as a wide matrix ({role}s: {rows_are};"
            f" {counted(len(self._matrix.ratings), 'column')} of {other}s)",
        )

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """All ratings, row by row; part 0 has them all."""
        if part:
            return
        texts = self._column_ids()
        known: dict[str, int] = {}
        row_codes, column_codes, ratings = [], [], []
        for cells in cells_of(self._matrix, self._observe):
            rated = np.unique(cells.row).tolist()
            code_of = np.zeros(len(cells.ids), dtype=np.int32)
            code_of[rated] = [known.setdefault(cells.ids[row], len(known)) for row in rated]
            row_codes.append(code_of[cells.row])
            column_codes.append(cells.column)
            ratings.append(cells.rating)
        rating = np.concatenate(ratings) if ratings else np.zeros(0, dtype=np.float32)
        if not len(rating):
            what = "no cell of the matrix has a rating"
            raise DataError(what, where=str(self.path), expected="a number in some cells")
        of_rows = CodedIds(np.concatenate(row_codes), PackedTexts.of(list(known)))
        of_columns = _in_order(np.concatenate(column_codes), texts)
        yield Batch(
            user=of_rows if self._row_role == "user" else of_columns,
            item=of_columns if self._row_role == "user" else of_rows,
            rating=rating,
            timestamp=None,
            time_unit=None,
            n_rows=len(rating),
            share=1.0,
        )
        size = size_of(self.path)
        self._observe(Loading(self.path, size, size))

    def locate(self, row: int) -> str:
        """The line of a rating, by its number."""
        n_before = 0
        for line, _, rated in rated_cells(self._matrix, silent):
            n_before += len(rated)
            if n_before > row:
                return f"{self.path}:{line}"
        raise AssertionError(f"there is no row {row}")

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of the bytes as stored."""
        return digest(self.path)

    def _column_ids(self) -> list[str]:
        header, positions = self.dialect.header, self._matrix.ratings
        names = [header[at].strip() if header else str(k) for k, at in enumerate(positions, start=1)]
        if len(set(names)) < len(names) or "" in names:
            odd = next(name for name in names if not name or names.count(name) > 1)
            what = f"two columns are called {odd!r}" if odd else "a column has no name"
            hint = "give each column of the header a name of its own"
            raise DataError(what, where=f"{self.path}:1", expected="an id for each", hint=hint)
        return names


def looks_wide(dialect: Dialect, data: Data) -> bool:
    """Whether a file that names no items and no ratings has numbers in all columns but the first."""
    columns = data.columns
    if dialect.width < LEAST_COLUMNS or columns.item is not None or columns.rating is not None:
        return False
    names = {plain(name) for name in (dialect.header or ())[1:]}
    if not names.isdisjoint(KNOWN) or not dialect.sample:
        return False
    body = dialect.sample[1:] if dialect.header is None and len(dialect.sample) > 1 else dialect.sample
    cells = [field.strip() for row in body for field in row[1:]]
    n_cells = sum(cell in MISSING or number_with(dialect.decimal, cell) is not None for cell in cells)
    return n_cells >= LEAST_SHARE * len(cells)


def _dialect(path: Path, data: Data) -> Dialect:
    """With the ids of the items as header, where the first row has them."""
    if data.header != "auto":
        return find_dialect(path, data)
    dialect = find_dialect(path, data.model_copy(update={"header": False}))
    if not _is_header(dialect.sample[0], dialect.sample[1:], data.columns.user):
        return dialect
    return find_dialect(path, data.model_copy(update={"header": True}))


def _is_header(first: Sequence[str], others: Sequence[Sequence[str]], user: Column | None) -> bool:
    names = [name.strip() for name in first]
    if not names[0] or plain(names[0]) in COMMON["user"] or isinstance(user, str):
        return True
    if any(name not in MISSING and number_with(None, name) is None for name in names[1:]):
        return True
    return bool(others) and number_with(None, names[0]) is None and number_with(None, others[0][0]) is not None


def _ids_of_rows(dialect: Dialect, columns: Columns, no_rating: NoRating) -> tuple[Role, int | None]:
    """Whether rows are users or items, and the column with their ids, from 0; None where they are numbered."""
    role: Role = "item" if columns.item is not None and columns.user is None else "user"
    column = columns.item if role == "item" else columns.user
    if column is not None:
        position = position_of(column, dialect.header, dialect.width)
        if position is None:
            what = f"there is no column {column!r} for the {role} ids"
            hint = f"name one of the first line: data.columns.{role} (init: --{role})"
            raise DataError(what, where=str(dialect.path), expected="a column that is there", hint=hint)
        return role, position
    if dialect.header is not None:
        by_name = by_common_name(COMMON["user"], dialect.header)
        if by_name is None and plain(dialect.header[0]) in ITEM_IDS:
            return "item", 0
        return "user", by_name or 0
    first = [row[0].strip() for row in dialect.sample]
    is_id = len(set(first)) == len(first) and not _counts_ratings(dialect, no_rating)
    return "user", 0 if is_id and not any(text in MISSING or "." in text for text in first) else None


def _counts_ratings(dialect: Dialect, no_rating: NoRating) -> bool:
    """Whether the first column says how many ratings the row has, as in Jester's files."""
    codes = {USUAL_CODE, *no_rating.numbers}
    return dialect.header is None and all(
        number_with(None, row[0])
        == sum(cell.strip() not in MISSING and number_with(None, cell) not in codes for cell in row[1:])
        for row in dialect.sample
    )


def _in_order(codes: np.ndarray[tuple[int], np.dtype[np.int32]], texts: Sequence[str]) -> CodedIds:
    """The ids that occur, in order of first appearance."""
    present, first = np.unique(codes, return_index=True)
    order = present[np.argsort(first)]
    new = np.zeros(len(texts), dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return CodedIds(new[codes], PackedTexts.of([texts[at] for at in order.tolist()]))
