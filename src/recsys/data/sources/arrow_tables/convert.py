"""Arrow columns as the columns of ratings, each value checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Array, BoolArray, Floats, Int32Array, Times
from recsys.data.sources.batches import CodedIds, WholeIds
from recsys.data.sources.id_column import packed_texts
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.table import TimeUnit
from recsys.data.sources.times import NO_TIMES
from recsys.data.sources.values import TRUTH_AS_NUMBERS, iso_seconds, number

if TYPE_CHECKING:
    import pyarrow as pa

    Column: TypeAlias = pa.Array

PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
SECONDS_OF_DAY = 86_400
MISSING = frozenset({"", "NaN", "nan", "null"})
"""Codes for "no rating" that a missing value stands for."""


@dataclass(frozen=True)
class Values:
    """A column of some rows.

    Attributes:
        column: decoded, where it was coded by a dictionary.
        name: of the column, for messages.
        first: the number of the first row, from 0.
        place: where a row, from 0, stands.
    """

    column: Column
    name: str
    first: int
    place: Callable[[int], str]

    @classmethod
    def of(cls, column: Column, name: str, first: int, place: Callable[[int], str]) -> Values:
        """A column as Arrow gives it."""
        return cls(_decoded(column), name, first, place)

    def refuse(self, is_bad: BoolArray, what: str, expected: str, hint: str) -> None:
        """Raises DataError for the first bad row, if there is one; {} in `what` becomes its value."""
        if is_bad.any():
            row = int(np.argmax(is_bad))
            value = self.column[row].as_py()
            text = "a missing value" if value is None else repr(value)
            where = f"{self.place(self.first + row)}: column {self.name}"
            raise DataError(what.format(text), where=where, expected=expected, hint=hint)

    def wrong_type(self, expected: str, hint: str | None = None) -> DataError:
        """That the column is of a type that cannot be used."""
        what = f"column {self.name} holds values of type {self.column.type}"
        return DataError(what, where=self.place(self.first), expected=expected, hint=hint)

    def decoded(self, texts: Column) -> list[str]:
        """Texts of the column as Python has them.

        Raises:
            DataError: one is not in utf-8.
        """
        try:
            decoded: list[str] = texts.to_pylist()
        except UnicodeDecodeError as error:
            bad = f"{error.object[error.start : error.end]!r} is not text in utf-8"
            raise DataError(
                bad, where=f"{self.place(self.first)}: column {self.name}, here or below", expected="text in utf-8"
            ) from None
        return decoded

    def is_null(self) -> BoolArray:
        """Which values are missing, bool, shape (n,)."""
        if not self.column.null_count:
            return np.zeros(len(self.column), dtype=bool)
        missing: BoolArray = self.column.is_null().to_numpy(zero_copy_only=False)
        return missing


def _decoded(column: Column) -> Column:
    """A column without its dictionary; Arrow cannot decode one of string views, as polars' categoricals have."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return column
    if pa.types.is_string_view(column.type.value_type):
        column = pa.DictionaryArray.from_arrays(column.indices, column.dictionary.cast(pa.large_string()))
    return column.dictionary_decode()


def ids_of(values: Values, role: str) -> CodedIds | WholeIds:
    """A column of ids: whole numbers, also as floats, or texts.

    Raises:
        DataError: an id is missing, blank, or no whole number.
    """
    import pyarrow as pa

    hint = f"is data.columns.{role} the right column?"
    values.refuse(values.is_null(), "an id is missing", "an id in every row", "take the row out, or give it an id")
    kind = values.column.type
    is_text = _is_text(kind)
    column = values.column.cast(pa.large_string()) if is_text else values.column
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        whole = _floats(column)
        is_bad = ~(np.abs(whole) < 2**53) | (whole != np.rint(whole))
        values.refuse(is_bad, "the id {} is not a whole number", "whole numbers or texts", hint)
        column = pa.array(whole.astype(np.int64))
    elif not (is_text or pa.types.is_integer(kind)):
        if pa.types.is_nested(kind):
            hint = f"{hint} columns in a JSON object: pandas.read_json(FILE).to_json(NEW, orient='records', lines=True)"
        raise values.wrong_type("ids: whole numbers or texts", hint)
    if not is_text and (numbers := _int32(column)) is not None:
        return WholeIds(numbers)
    coded = column.dictionary_encode()
    texts = coded.dictionary.cast(pa.large_string())
    codes = np.from_dlpack(coded.indices)
    if is_text:
        is_blank = np.array([not text.strip() for text in values.decoded(texts)], dtype=bool)
        values.refuse(is_blank[codes], "an id is empty", "an id in every row", "take the row out, or give it an id")
    return CodedIds(codes, packed_texts(texts), is_text)  # type: ignore[arg-type]  # int32 by Arrow's own rule


def ratings_of(values: Values, no_rating: NoRating) -> Floats:
    """A column of ratings, float32, shape (n,); NaN for codes.

    Raises:
        DataError: a rating is missing, or is no finite number.
    """
    import pyarrow as pa

    kind = values.column.type
    if _is_text(kind):
        numbers, is_code = _numbers_of_texts(values, no_rating)
    elif pa.types.is_null(kind):
        numbers, is_code = np.full(len(values.column), np.nan), np.zeros(len(values.column), dtype=bool)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = _floats(values.column)
        is_code = no_rating.is_code(numbers) if no_rating.numbers else np.zeros(len(numbers), dtype=bool)
    else:
        hint = "if each row is a click or a purchase: data.columns.rating: false"
        raise values.wrong_type(
            "ratings: numbers", f"{TRUTH_AS_NUMBERS}; {hint}" if pa.types.is_boolean(kind) else hint
        )
    with np.errstate(over="ignore"):
        ratings = numbers.astype(np.float32)
    is_bad = ~np.isfinite(ratings) & ~is_code
    if is_bad.any():
        is_missing = values.is_null() | np.isnan(numbers)
        if no_rating.texts & MISSING:
            is_bad &= ~is_missing
        else:
            hint = 'if it stands for no rating: data.no_rating: [""]; else take the row out'
            values.refuse(is_bad & is_missing, "the rating is missing", "a number", hint)
        values.refuse(is_bad, "{} is not a finite number", "a finite number", "take the row out")
    ratings[is_code] = np.nan
    return ratings


def times_of(values: Values, unit: TimeUnit | None) -> tuple[Times, TimeUnit]:
    """A column of times, float64, shape (n,), and what they are: numbers are as they stand, others in seconds.

    Args:
        unit: what the earlier rows hold; None: there are none.

    Raises:
        DataError: a time is missing, or is none.
    """
    import pyarrow as pa

    kind, hint = values.column.type, NO_TIMES
    values.refuse(values.is_null(), "the time is missing", "a time in every row", hint)
    if pa.types.is_timestamp(kind):
        return _int64(values.column) / PER_SECOND[kind.unit], "Arrow timestamps"
    if pa.types.is_date(kind):
        return _int64(values.column.cast(pa.date32()).cast(pa.int32())) * float(SECONDS_OF_DAY), "Arrow timestamps"
    if _is_text(kind):
        return _times_of_texts(values, unit, hint)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise values.wrong_type("times: timestamps, dates, numbers or ISO dates", hint)
    times = _floats(values.column)
    values.refuse(~np.isfinite(times), "{} is not a time", "seconds or milliseconds since 1970", hint)
    return times, "seconds"


def _times_of_texts(values: Values, unit: TimeUnit | None, hint: str) -> tuple[Times, TimeUnit]:
    """ISO dates, or numbers that are written as texts, whichever the first row is."""
    coded = values.column.dictionary_encode()
    texts, codes = values.decoded(coded.dictionary), np.from_dlpack(coded.indices)
    is_empty = np.array([not text.strip() for text in texts], dtype=bool)
    values.refuse(is_empty[codes], "the time is empty", "a time in every row", hint)
    is_iso = iso_seconds(texts[0]) is not None if unit is None else unit == "ISO dates"
    times = _as_floats(list(map(iso_seconds if is_iso else number, texts)))
    expected = "a date such as 2024-05-31 or 2024-05-31T12:00:00Z" if is_iso else "seconds or milliseconds since 1970"
    values.refuse(~np.isfinite(times)[codes], "{} is not a time", expected, hint)
    return times[codes], "ISO dates" if is_iso else "seconds"


def _numbers_of_texts(values: Values, no_rating: NoRating) -> tuple[Array, BoolArray]:
    """Numbers that are written as texts, NaN for a missing one, and which of them are codes."""
    coded = values.column.fill_null("NaN").dictionary_encode()
    texts, codes = values.decoded(coded.dictionary), np.from_dlpack(coded.indices)
    numbers = _as_floats(list(map(number, texts)))
    is_code = np.array([text.strip() in no_rating.texts for text in texts], dtype=bool) | no_rating.is_code(numbers)
    is_bad = (np.array([number(text) is None for text in texts], dtype=bool) & ~is_code)[codes]
    if is_bad.any():
        code = json.dumps(values.column[int(np.argmax(is_bad))].as_py(), ensure_ascii=False)
        hint = f"if it stands for no rating: data.no_rating: [{code}]; else take the row out"
        values.refuse(is_bad, "{} is not a number", "a number", hint)
    return numbers[codes], is_code[codes]


def _as_floats(numbers: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in numbers], dtype=np.float64)


def _floats(column: Column) -> Array:
    """Numbers as float64, NaN for missing ones."""
    import pyarrow as pa

    if column.null_count or pa.types.is_decimal(column.type):
        floats: Array = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return floats
    return np.from_dlpack(column).astype(np.float64, copy=False)  # imports neither pandas nor pyarrow.compute


def _int64(column: Column) -> Array:
    import pyarrow as pa

    return np.from_dlpack(column.cast(pa.int64()))


def _int32(column: Column) -> Int32Array | None:
    """Whole numbers; None where one does not fit."""
    values = np.from_dlpack(column)
    limits = np.iinfo(np.int32)
    fits = values.min(initial=0) >= limits.min and values.max(initial=0) <= limits.max
    return values.astype(np.int32, copy=False) if fits else None


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
