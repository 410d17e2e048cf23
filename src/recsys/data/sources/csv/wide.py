"""A wide matrix as a source: a row for each user, a column for each item, and a rating in each cell that has one."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Column, Data
from recsys.core.errors import DataError
from recsys.core.events import Loading, Observer, silent
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts
from recsys.data.sources.column_names import COMMON, plain
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.reference_reader import BadValueError, located, rating_in, rows
from recsys.data.sources.csv.text import Text
from recsys.data.sources.find_columns import by_common_name, label, position_of
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.stored import compression, fingerprint, size_of
from recsys.data.sources.values import number_with

LEAST_COLUMNS = 6  # of a file that is taken for a wide matrix
NO_RATING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-"})
USUAL_CODE = 99.0  # of Jester


class WideSource:
    """A wide matrix in a text file; empty cells, and those with a code of `data.no_rating`, are no rows."""

    is_repeatable = True

    def __init__(self, path: Path, data: Data, observe: Observer) -> None:
        """Looks at the first lines.

        Raises:
            DataError: it is empty or not text, or the column of the users is not there.
        """
        self.path = path
        self.dialect = _dialect(path, data)
        self._no_rating = NoRating.of(data.no_rating)
        self._observe = observe
        self._user = _user_position(self.dialect, data.columns.user, self._no_rating)
        is_count = self._user is None and _counts_ratings(self.dialect, self._no_rating)
        first = 1 if is_count else 0
        self._items = [at for at in range(first, self.dialect.width) if at != self._user]

    def layout(self, columns: ColumnRequest) -> Layout:
        """The column of the users; each other one is an item."""
        dialect, user = self.dialect, self._user
        facts = {
            "compression": compression(self.path),
            "encoding": dialect.encoding,
            "delimiter": dialect.delimiter,
            "header": dialect.header is not None,
            "decimal": dialect.decimal,
            "layout": "wide",
        }
        name: dict[str, Column] = {}
        if user is not None:
            name["user"] = label(user, dialect.header) if dialect.header and dialect.header[user].strip() else user + 1
        users = "rows numbered from 1" if user is None else f"column {name['user']}"
        return Layout(
            columns={"user": name["user"]} if name else {},
            names={"user": str(name["user"]) if name and dialect.header else None, "item": None, "rating": None},
            others=(),
            facts=facts,
            description=f"delimiter {dialect.delimiter!r}, {dialect.encoding}, as a wide matrix (users: {users};"
            f" {len(self._items):,} columns of items)",
        )

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """All ratings, user by user; part 0 has them all."""
        if part:
            return
        texts = self._item_ids()
        users: dict[str, int] = {}
        user_codes, item_codes, ratings = array("i"), array("i"), array("f")
        for user, item, rating, _ in self._ratings(self._observe):
            user_codes.append(users.setdefault(user, len(users)))
            item_codes.append(item)
            ratings.append(rating)
        if not ratings:
            what = "no cell of the matrix has a rating"
            raise DataError(what, where=str(self.path), expected="a number in some cells")
        yield Batch(
            user=CodedIds(np.array(user_codes, dtype=np.int32), PackedTexts.of(list(users))),
            item=_in_order(np.array(item_codes, dtype=np.int32), texts),
            rating=np.array(ratings, dtype=np.float32),
            timestamp=None,
            time_unit=None,
            n_rows=len(ratings),
            share=1.0,
        )
        size = size_of(self.path)
        self._observe(Loading(self.path, size, size))

    def locate(self, row: int) -> str:
        """The line of a rating, by its number."""
        for number, (_, _, _, line) in enumerate(self._ratings(silent)):
            if number == row:
                return f"{self.path}:{line}"
        raise AssertionError(f"there is no row {row}")

    def fingerprint(self) -> str:
        """sha256 of the bytes as stored."""
        return fingerprint(self.path)

    def _item_ids(self) -> list[str]:
        header = self.dialect.header
        names = [header[at].strip() if header else str(k) for k, at in enumerate(self._items, start=1)]
        if len(set(names)) < len(names) or "" in names:
            odd = next(name for name in names if not name or names.count(name) > 1)
            what = f"two items are called {odd!r}" if odd else "an item has no name"
            hint = "give each column of the header a name of its own"
            raise DataError(what, where=f"{self.path}:1", expected="the ids of the items", hint=hint)
        return names

    def _ratings(self, observe: Observer) -> Iterator[tuple[str, int, float, int]]:
        """User id, number of the item, rating and line, for each cell with a rating."""
        dialect, no_rating = self.dialect, self._no_rating
        with Text(self.path, dialect.encoding) as text:
            for n_users, (row, line) in enumerate(rows(dialect, text, observe), start=1):
                user = str(n_users) if self._user is None else row[self._user].strip()
                if not user:
                    where = f"{self.path}:{line}"
                    raise DataError("a user has no id", where=where, expected="an id in every row")
                for item, position in enumerate(self._items):
                    cell = row[position].strip()
                    if cell in NO_RATING:
                        continue
                    try:
                        rating = rating_in(cell, no_rating, dialect.decimal)
                    except BadValueError as error:
                        raise located(error, dialect, line, position) from None
                    if rating == rating:  # NaN: a code
                        yield user, item, rating, line


def looks_wide(dialect: Dialect, data: Data) -> bool:
    """Whether a file that names no items and no ratings has numbers in all columns but the first."""
    columns = data.columns
    if dialect.width < LEAST_COLUMNS or columns.item is not None or columns.rating is not None:
        return False
    names = {plain(name) for name in dialect.header or ()}
    if names & {*COMMON["item"], *COMMON["rating"]} or not dialect.sample:
        return False
    body = dialect.sample[1:] if dialect.header is None and len(dialect.sample) > 1 else dialect.sample
    cells = [field.strip() for row in body for field in row[1:]]
    n_cells = sum(cell in NO_RATING or number_with(dialect.decimal, cell) is not None for cell in cells)
    return n_cells == len(cells)


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
    if any(name not in NO_RATING and number_with(None, name) is None for name in names[1:]):
        return True
    return bool(others) and number_with(None, names[0]) is None and number_with(None, others[0][0]) is not None


def _user_position(dialect: Dialect, user: Column | None, no_rating: NoRating) -> int | None:
    """The column of the users, from 0; None where users are numbered."""
    if user is not None:
        position = position_of(user, dialect.header, dialect.width)
        if position is None:
            what = f"there is no column {user!r} for the user ids"
            hint = "name one of the first line: data.columns.user (init: --user)"
            raise DataError(what, where=str(dialect.path), expected="a column that is there", hint=hint)
        return position
    if dialect.header is not None:
        return by_common_name(COMMON["user"], dialect.header) or 0
    first = [row[0].strip() for row in dialect.sample]
    is_id = len(set(first)) == len(first) and not _counts_ratings(dialect, no_rating)
    return 0 if is_id and not any(text in NO_RATING or "." in text for text in first) else None


def _counts_ratings(dialect: Dialect, no_rating: NoRating) -> bool:
    """Whether the first column says how many ratings the row has, as in Jester's files."""
    codes = {USUAL_CODE, *no_rating.numbers}
    return dialect.header is None and all(
        number_with(None, row[0])
        == sum(cell.strip() not in NO_RATING and number_with(None, cell) not in codes for cell in row[1:])
        for row in dialect.sample
    )


def _in_order(codes: np.ndarray[tuple[int], np.dtype[np.int32]], texts: Sequence[str]) -> CodedIds:
    """The ids that occur, in order of first appearance."""
    present, first = np.unique(codes, return_index=True)
    order = present[np.argsort(first)]
    new = np.zeros(len(texts), dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return CodedIds(new[codes], PackedTexts.of([texts[at] for at in order.tolist()]))
