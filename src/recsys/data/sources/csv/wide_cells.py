"""The cells of a wide matrix that hold ratings: by Arrow, and from the first doubtful block on row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.core.types import Array, Floats, Indices
from recsys.data.sources.csv.arrow_columns import parsed_columns
from recsys.data.sources.csv.arrow_reader import ratings_of
from recsys.data.sources.csv.blocks import SLOW_BYTES, DoubtfulError, blocks_of
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.reference_reader import BadValueError, located, rating_in, rows
from recsys.data.sources.no_rating import MISSING, NoRating
from recsys.data.sources.progress import Progress
from recsys.data.sources.stored import Stored, size_of

BLOCK = 1 << 20  # bytes that are parsed at a time: a block becomes a matrix with all its empty cells
NO_RATINGS = "if this column holds no ratings, take it out of the file"
ROWS = 1024  # that the slow reader gives at a time


@dataclass(frozen=True)
class Matrix:
    """Where a wide matrix has what.

    Attributes:
        ids: position of the column with an id for each row, from 0; None: rows are numbered from 1.
        ratings: positions of the columns of ratings.
        no_rating: codes for no rating.
    """

    dialect: Dialect
    ids: int | None
    ratings: Sequence[int]
    no_rating: NoRating


@dataclass(frozen=True, eq=False)
class Cells:
    """The ratings of some rows, row by row.

    Attributes:
        ids: of each row.
        row: which of these rows, shape (n,).
        column: which of the columns of ratings, shape (n,).
        rating: float32, shape (n,).
    """

    ids: list[str]
    row: Indices
    column: Indices
    rating: Floats


def cells_of(matrix: Matrix, observe: Observer) -> Iterator[Cells]:
    """All cells with a rating.

    Raises:
        DataError: the first cell that is no number, or a row without an id.
    """
    n_rows = 0
    try:
        for cells in _fast(matrix, observe):
            n_rows += len(cells.ids)
            yield cells
    except DoubtfulError as doubt:
        if size_of(matrix.dialect.path) >= SLOW_BYTES:
            observe(doubt.note(matrix.dialect.path, n_rows))
        yield from _slow(matrix, observe, n_rows)


def rated_cells(matrix: Matrix, observe: Observer) -> Iterator[tuple[int, str, list[tuple[int, float]]]]:
    """Line, id, and column and rating of each cell with one, row by row.

    Raises:
        DataError: as of `cells_of`.
    """
    dialect = matrix.dialect
    with dialect.text() as text:
        for number, (row, line) in enumerate(rows(dialect, text, observe), start=1):
            raw_id = str(number) if matrix.ids is None else row[matrix.ids].strip()
            if not raw_id:
                where = f"{dialect.path}:{line}"
                raise DataError("a row has no id", where=where, expected="an id in every row")
            yield line, raw_id, [*_ratings_in(row, line, matrix)]


def _ratings_in(row: Sequence[str], line: int, matrix: Matrix) -> Iterator[tuple[int, float]]:
    for column, position in enumerate(matrix.ratings):
        cell = row[position].strip()
        if cell in MISSING:
            continue
        try:
            rating = rating_in(cell, matrix.no_rating, matrix.dialect.decimal)
        except BadValueError as error:
            what, expected, hint = error.args
            not_rated = BadValueError(what, expected, f"{NO_RATINGS}; {hint}")
            raise located(not_rated, matrix.dialect, line, position) from None
        if rating == rating:  # NaN: a code
            yield column, rating


def _slow(matrix: Matrix, observe: Observer, n_skipped: int) -> Iterator[Cells]:
    left = islice(rated_cells(matrix, observe), n_skipped, None)
    while some := list(islice(left, ROWS)):
        lengths = [len(rated) for _, _, rated in some]
        pairs = [pair for _, _, rated in some for pair in rated]
        yield Cells(
            ids=[raw_id for _, raw_id, _ in some],
            row=np.repeat(np.arange(len(some), dtype=np.int32), lengths),
            column=np.array([column for column, _ in pairs], dtype=np.int32),
            rating=np.array([rating for _, rating in pairs], dtype=np.float32),
        )


def _fast(matrix: Matrix, observe: Observer) -> Iterator[Cells]:
    """As far as the blocks leave no doubt.

    Raises: DoubtfulError, where the slow reader has to read on.
    """
    import pyarrow as pa

    dialect, n_rows = matrix.dialect, 0
    with Stored(dialect.path) as stored:
        progress = Progress(dialect.path, observe)
        for block in blocks_of(dialect, stored, BLOCK):
            try:
                cells = _parsed(block, matrix, n_rows)
            except pa.ArrowException as error:
                raise DoubtfulError.of_arrow(error) from None
            n_rows += len(cells.ids)
            yield cells
            progress.now(stored.done, stored.total)


def _parsed(block: bytes, matrix: Matrix, n_before: int) -> Cells:
    import pyarrow as pa

    own = [] if matrix.ids is None else [matrix.ids]
    types = {position: pa.string() for position in own} | {position: pa.float64() for position in matrix.ratings}
    texts = MISSING | matrix.no_rating.texts
    parsed = parsed_columns(matrix.dialect, block, types, texts)
    missing = NoRating(matrix.no_rating.numbers, texts)
    columns = [ratings_of(column, missing) for column in parsed[len(own) :]]
    values: Array = np.array(columns).T
    row, column = np.nonzero(~np.isnan(values))
    if own:
        ids = [text.strip() for text in parsed[0].to_pylist()]
    else:
        ids = [str(number) for number in range(n_before + 1, n_before + len(values) + 1)]
    is_numbered_and_empty = not own and len(np.unique(row)) < len(values)
    if is_numbered_and_empty or not all(ids):
        raise DoubtfulError("a row that is empty, or has no id")
    return Cells(ids, row.astype(np.int32), column.astype(np.int32), values[row, column])
