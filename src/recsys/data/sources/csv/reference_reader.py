"""The reference reader: row by row with the csv module. It defines what is right and finds the line of an error."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import numpy as np

from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.core.words import shortened
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.fields import BadQuotesError, rows_of
from recsys.data.sources.csv.hints import hint_for
from recsys.data.sources.csv.no_row import no_row, odd_row
from recsys.data.sources.csv.text import Text
from recsys.data.sources.dates import formats_of, seconds_of
from recsys.data.sources.find_columns import label
from recsys.data.sources.no_rating import NONE, NoRating
from recsys.data.sources.progress import Progress
from recsys.data.sources.stored import WHOLE, ByteRange
from recsys.data.sources.table import Role, TimeUnit
from recsys.data.sources.times import NO_TIMES
from recsys.data.sources.values import Decimal, iso_seconds, number_with

ISO_FORM = "iso"
ROWS_BETWEEN_LOOKS = 256  # at the clock
BATCH = 1 << 18  # rows
FLOAT32_MAX = float(np.finfo(np.float32).max)


class BadValueError(Exception):
    """What is wrong with a field, what was expected, and a hint."""


def read_slow(
    dialect: Dialect,
    columns: Mapping[Role, int],
    observe: Observer,
    span: ByteRange = WHOLE,
    n_skipped: int = 0,
    no_rating: NoRating = NONE,
) -> Iterator[Batch]:
    """Reads the `columns` (role → position from 0) of a file.

    Args:
        no_rating: codes in the column of the ratings, which are read as NaN.
        n_skipped: rows of the range that are left out, since they have been read.

    Raises:
        DataError: the first row that cannot be used, with its line and column.
    """
    with dialect.text(span) as text:
        read = _Columns(dialect, columns, no_rating)
        for row, line in islice(rows(dialect, text, observe), n_skipped, None):
            for position, take in read.takers:
                try:
                    take(row[position])
                except BadValueError as error:
                    raise (no_row(dialect, line, row) or located(error, dialect, line, position)) from None
            read.n_rows += 1
            if read.n_rows == BATCH:
                yield read.batch(text.share)
                read = _Columns(dialect, columns, no_rating)
        if read.n_rows:
            yield read.batch(text.share)


def rows(dialect: Dialect, text: Text, observe: Observer) -> Iterator[tuple[list[str], int]]:
    """The rows below the header, each of the width of the file, with the line on which each starts.

    Raises:
        DataError: a row of another width, quotes that make no sense, or bytes that are no text.
    """
    for row, line in rows_of_any_width(dialect, text, observe):
        if len(row) != dialect.width:
            raise odd_row(dialect, line, row)
        yield row, line


def rows_of_any_width(dialect: Dialect, text: Text, observe: Observer) -> Iterator[tuple[list[str], int]]:
    """As `rows`, but that rows may have another width. Lines of blanks and delimiters alone are left out."""
    progress = Progress(dialect.path, observe)
    n_head = max(0, dialect.head_lines - (text.first_line - 1))
    before = text.first_line - 1 + n_head
    try:
        for row, number_in_body in rows_of(islice(text, n_head, None), dialect.delimiter, dialect.quotes):
            if not (row[0].strip() or any(map(str.strip, row))):
                continue
            line = before + number_in_body
            if line % ROWS_BETWEEN_LOOKS == 0:
                progress.now(*text.progress)
            yield row, line
    except BadQuotesError as error:
        number_in_body, why = error.args
        what = f"the quotes of the row that starts here make no sense: {why}"
        hint = (
            'a field with a quote in it is written "like ""this"""; for "like \\"this\\"": data.quotes: backslash'
            " (init: --quotes backslash); where no field is quoted: data.quotes: false (init: --quotes none)"
        )
        where = f"{dialect.path}:{before + number_in_body}"
        raise DataError(what, where=where, expected="closed quotes", hint=hint) from None


def time_form(dialect: Dialect, columns: Mapping[Role, int]) -> str | None:
    """How times are written: "iso", a format of strptime, or None for numbers."""
    if "timestamp" not in columns:
        return None
    if dialect.timestamp_format is not None:
        return dialect.timestamp_format
    position, full_rows = columns["timestamp"], [row for row in dialect.sample if len(row) == dialect.width]
    texts = [row[position] for row in full_rows]
    if not full_rows or full_rows[0] is not dialect.sample[0] or iso_seconds(texts[0]) is None:
        return next(iter(formats_of(texts)), None)
    others = formats_of(texts) if any(text.strip() and iso_seconds(text) is None for text in texts) else ()
    return next(iter(others), ISO_FORM)


class _Columns:
    """Columns that grow row by row.

    Attributes:
        takers: position in a row → what adds the text there to its column.
        n_rows: how many rows have been added.
    """

    def __init__(self, dialect: Dialect, columns: Mapping[Role, int], no_rating: NoRating) -> None:
        self.n_rows = 0
        self._columns = columns
        self._form = form = time_form(dialect, columns)
        self._ids: dict[Role, _Ids] = {role: _Ids() for role in ("user", "item") if role in columns}
        self._ratings, self._times = ratings, times = array("f"), array("d")
        self.takers: list[tuple[int, Callable[[str], None]]] = [
            (columns[role], ids.take) for role, ids in self._ids.items()
        ]
        if "rating" in columns:
            self.takers.append(
                (columns["rating"], lambda text: ratings.append(rating_in(text, no_rating, dialect.decimal)))
            )
        if "timestamp" in columns:
            self.takers.append((columns["timestamp"], lambda text: times.append(_time(text, form, dialect.decimal))))

    def batch(self, share: float) -> Batch:
        """What was added."""
        ids, columns = {role: column.coded() for role, column in self._ids.items()}, self._columns
        return Batch(
            user=ids.get("user"),
            item=ids.get("item"),
            rating=np.array(self._ratings, dtype=np.float32) if "rating" in columns else None,
            timestamp=np.array(self._times, dtype=np.float64) if "timestamp" in columns else None,
            time_unit=unit_of(self._form) if "timestamp" in columns else None,
            n_rows=self.n_rows,
            share=share,
        )


class _Ids:
    """A column of ids that grows."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes = array("i")

    def take(self, text: str) -> None:
        raw_id = text.strip()
        if raw_id not in self._known:
            _check_id(raw_id)
        self._codes.append(self._known.setdefault(raw_id, len(self._known)))

    def coded(self) -> CodedIds:
        return CodedIds(np.array(self._codes, dtype=np.int32), PackedTexts.of(list(self._known)))


def _check_id(raw_id: str) -> None:
    if not raw_id:
        hint = "take such rows out, as pandas does: read_csv(FILE).dropna(subset=[COLUMN]).to_csv(NEW, index=False)"
        raise BadValueError("an id is empty", "an id in every row", hint)
    if "\n" in raw_id or "\r" in raw_id:
        what = f"an id has a line break in it: {json.dumps(shortened(raw_id), ensure_ascii=False)}"
        hint = "if a quote is part of the text here and opens no field: data.quotes: false (init: --quotes none)"
        raise BadValueError(what, "an id on one line", hint)


def rating_in(text: str, no_rating: NoRating, decimal: Decimal) -> float:
    """The rating that `text` is, NaN for a code.

    Raises: BadValueError, where it is none.
    """
    if text.strip() in no_rating.texts:
        return math.nan
    value = number_with(decimal, text)
    if value is None:
        raise _no_number(text)
    if not math.isfinite(value) or (abs(value) > FLOAT32_MAX and math.isinf(_as_float32(value))):
        raise BadValueError(f"{text!r} is not a finite number", "a finite number", "take the row out")
    return math.nan if value in no_rating.numbers else value


def _no_number(text: str) -> BadValueError:
    what = f"{shortened(text)!r} is not a number" if text.strip() else "the rating is empty"
    return BadValueError(what, "a number", hint_for(text))


def _as_float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def unit_of(form: str | None) -> TimeUnit:
    """What a batch says of times in this form."""
    return "seconds" if form is None else "ISO dates" if form == ISO_FORM else "dates"


def time_in(form: str | None, text: str, decimal: Decimal) -> float | None:
    """The number or date that `text` is; None if it is none."""
    if form is None:
        return number_with(decimal, text)
    return iso_seconds(text) if form == ISO_FORM else seconds_of(text, form)


def _time(text: str, form: str | None, decimal: Decimal) -> float:
    value = time_in(form, text, decimal)
    if value is None or not math.isfinite(value):
        expected = {
            None: "seconds or milliseconds since 1970, or dates of one form in every row",
            ISO_FORM: "a date such as 2024-05-31 or 2024-05-31T12:00:00Z",
        }.get(form, f"a date of the form {form}, as in the first rows")
        hint = f"{NO_TIMES}; for another form: data.timestamp_format (init: --timestamp-format FORM)"
        if form is None and {number_with(mark, text) for mark in (".", ",")} != {None}:
            hint = f"{hint_for(text)}; {NO_TIMES}"
        what = f"{shortened(text)!r} is not a time" if text.strip() else "the time is empty"
        raise BadValueError(what, expected, hint)
    return value


def located(error: BadValueError, dialect: Dialect, line: int, position: int) -> DataError:
    """The error of a field, with its place."""
    what, expected, hint = error.args
    where = f"{dialect.path}:{line}: column {label(position, dialect.header)}"
    return DataError(what, where=where, expected=expected, hint=hint)
