"""From the columns of a features file to the rules by which they are encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from recsys.config.loading.dump import inline
from recsys.config.schema.columns import Column
from recsys.core.errors import DataError, nearest
from recsys.core.words import shortened, some
from recsys.data.features.encoder import EncodedColumn, FeatureEncoder, NumberColumn, TermsColumn
from recsys.data.features.guess import MOST_ONCE, Guess, date_form, guess, number_form, separator_of
from recsys.data.features.kind import Kind, NumberKind, TermKind
from recsys.data.features.parse import BRACKETS, PLAIN, NumberForm, parts_of
from recsys.data.features.table import FeatureColumn, FeatureTable
from recsys.data.sources.find_feature_ids import FeatureRequest, is_of_ratings

LEAST_ROWS = 2
"""A category that one row alone has says nothing about any other."""
COMMON_WORD = 0.25
"""Share of the rows above which a word, such as "the", tells them no more apart."""
FEWEST_ROWS_OF_WORDS = 40  # below which no word is too common
MOST_LEVELS = 30
"""Distinct numbers up to which each gets a knot, as categories would; with more there are KNOTS."""
KNOTS = 12
OUTER = (0.01, 0.99)
MOST_FITTING = 0.5
"""Share of the rows that have to hold a number, or a date, where the config says that a column does."""
LEAST_KNOTS = 3
EXAMPLES = 3
MOST_COLUMNS = 5_000
"""Columns of the matrix, of which half a minute's work gives the prior; with 20,000 it would be half an hour."""
NAMED: dict[Kind, str] = {
    "category": "categories",
    "list": "lists",
    "number": "numbers",
    "date": "dates",
    "year": "years",
    "text": "texts",
}
"""The key of the config that names columns of each kind."""


@dataclass(frozen=True)
class ColumnReport:
    """A column of a features file, for people.

    Attributes:
        kind: None: it is not used.
        why: then, in words.
        examples: the first few values, or the most frequent categories.
        n_columns: of the matrix.
        n_left_out: categories or words that are left out since others are more frequent.
    """

    name: str
    kind: Kind | None
    why: str
    examples: tuple[str, ...]
    share_missing: float
    n_columns: int = 0
    n_left_out: int = 0


def learn_encoder(table: FeatureTable, request: FeatureRequest) -> tuple[FeatureEncoder, tuple[ColumnReport, ...]]:
    """The rules for the columns of a file, and what there is to say of each.

    Raises:
        DataError: a column that the config names is not there, or is not what the config says, or none is of use.
    """
    wanted = _wanted(table, request)
    encoded: list[EncodedColumn] = []
    reports: list[ColumnReport] = []
    for name, guesses in wanted.items():
        column = table.columns[name]
        for of_kind in guesses:
            rule, report = _learned(name, column, of_kind, request.columns.max_terms)
            encoded += [] if rule is None else [rule]
            reports.append(report)
    n_columns = sum(report.n_columns for report in reports)
    if n_columns > MOST_COLUMNS:
        raise DataError(
            f"the features have {n_columns:,} columns, a column for each category and each word",
            where=str(table.path),
            expected=f"at most {MOST_COLUMNS:,}",
            hint=f"choose some columns of the file: {request.key}.use; or lower {request.key}.max_terms",
        )
    if not encoded:
        reasons = some(f"{report.name}: {report.why}" for report in reports) or "it has the ids alone"
        hint = f"say what a column holds: {request.key}.categories, .numbers, .texts"
        raise DataError(
            f"no column can be used as features: {reasons}",
            where=str(table.path),
            expected="columns of categories, lists, numbers, dates or texts",
            hint=hint,
        )
    return FeatureEncoder(table.id_name, tuple(encoded)), tuple(reports)


def _wanted(table: FeatureTable, request: FeatureRequest) -> dict[str, list[Guess]]:
    """What each column to be used is: as the config says, else as it looks."""
    columns = request.columns
    said: dict[str, list[Kind]] = {}
    for kind, key in NAMED.items():
        for column in getattr(columns, key) or ():
            said.setdefault(_name_of(column, table, f"{request.key}.{key}"), []).append(kind)
    used = [_name_of(column, table, f"{request.key}.use") for column in columns.use or ()]
    names = [name for name in table.columns if not used or name in used or name in said]
    return {name: _guesses(name, said.get(name, []), table, request) for name in names}


def _name_of(column: Column, table: FeatureTable, key: str) -> str:
    names = list(table.columns)
    name = str(column).strip()
    if name in names:
        return name
    close = nearest(name, names)
    raise DataError(
        f"there is no column {column!r} beside the ids",
        where=str(table.path),
        expected=f"one of the columns {some(map(shortened, names))}",
        hint=f"did you mean {close}? {key}: [{close}]" if close else f"correct {key}",
    )


def _guesses(name: str, kinds: Sequence[Kind], table: FeatureTable, request: FeatureRequest) -> list[Guess]:
    if kinds:
        return [_as_said(name, kind, table, request) for kind in kinds]
    likely = guess(table.columns[name])
    if likely.kind is not None and is_of_ratings(name):
        key = f"{request.key}.{NAMED[likely.kind]}"
        return [Guess(None, f"made of ratings, those held out among them? to use it all the same: {key}: [{name}]")]
    if likely.kind not in ("year", None) and request.is_title(name):
        return [Guess(None, f"these are titles; to use their words: {request.key}.texts: [{name}]")]
    return [_as_said(name, "list", table, request) if likely.kind == "list" else likely]


def _as_said(name: str, kind: Kind, table: FeatureTable, request: FeatureRequest) -> Guess:
    """A column that the config says the kind of.

    Raises:
        DataError: it cannot be of that kind.
    """
    column = table.columns[name]
    texts, counts = list(column.texts()), column.counts
    if kind == "list" and not column.has_lists:
        given, likely = request.columns.separator, separator_of(texts, counts)
        separator = likely if given == "auto" else given
        if likely is not None and separator != likely and not any(given in text for text in texts):
            what = f"no field of the column {name} has {given!r} between categories"
            raise _refused(table, what, texts, f"is it {likely!r}? {request.key}.separator: {inline(likely)}")
        has_none = separator is None or not any(separator in text for text in texts)
        if has_none and separator != BRACKETS and counts[counts == 1].sum() > MOST_ONCE * counts.sum():
            what = f"the column {name} has no separator, and most of its categories are in one row alone"
            raise _refused(table, what, texts, f"name it: {request.key}.separator; or {request.key}.texts: [{name}]")
        return Guess("list", separator=separator)
    if kind == "number" or kind == "date":
        find = number_form if kind == "number" else date_form
        form = find(texts, counts, MOST_FITTING) if texts else PLAIN
        if form is None:
            what = f"most fields of the column {name} are no {NAMED[kind]}"
            raise _refused(table, what, texts, f"name it elsewhere in {request.key}, such as under categories")
        return Guess(kind, form=form)
    return Guess(kind)


def _refused(table: FeatureTable, what: str, texts: Sequence[str], hint: str) -> DataError:
    examples = some([repr(shortened(text, 30)) for text in texts[:EXAMPLES]])
    return DataError(
        what, where=str(table.path), expected=f"what the config says; the fields are {examples}", hint=hint
    )


def _learned(
    name: str, column: FeatureColumn, of_kind: Guess, max_terms: int
) -> tuple[EncodedColumn | None, ColumnReport]:
    kind, examples = of_kind.kind, tuple(shortened(text, 30) for text in islice(column.texts(), EXAMPLES))
    unused = partial(ColumnReport, name, None, examples=examples, share_missing=column.share_missing)
    if kind is None:
        return None, unused(why=of_kind.why)
    if kind == "number" or kind == "date" or kind == "year":
        number = _number_column(name, kind, column, of_kind.form)
        if number is None:
            return None, unused(why=f"there are no two {NAMED[kind]}")
        missing = float(np.mean(~number.encode(column).has_any))
        return number, ColumnReport(name, kind, "", examples, missing, len(number.names))
    terms, n_left_out = _terms(column, kind, of_kind.separator, max_terms)
    if not terms:
        return None, unused(why=f"no {'word' if kind == 'text' else 'value'} occurs in two rows")
    most_frequent = tuple(shortened(term, 30) for term in terms[:EXAMPLES])
    return (
        TermsColumn(name, kind, of_kind.separator, terms),
        ColumnReport(name, kind, "", most_frequent, column.share_missing, len(terms), n_left_out),
    )


def _terms(column: FeatureColumn, kind: TermKind, separator: str | None, most: int) -> tuple[tuple[str, ...], int]:
    """The most frequent categories or words first, and how many more there are."""
    rows_of: Counter[str] = Counter()
    for value, n_rows in zip(column.values, column.counts.tolist(), strict=True):
        rows_of.update(dict.fromkeys(parts_of(value, kind, separator), n_rows))
    n = len(column.codes)
    ceiling = COMMON_WORD * n if kind == "text" and n >= FEWEST_ROWS_OF_WORDS else n
    usable = [(term, n_rows) for term, n_rows in rows_of.items() if LEAST_ROWS <= n_rows <= ceiling]
    ordered = sorted(usable, key=lambda pair: (-pair[1], pair[0]))
    return tuple(term for term, _ in ordered[:most]), max(0, len(ordered) - most)


def _number_column(name: str, kind: NumberKind, column: FeatureColumn, form: NumberForm) -> NumberColumn | None:
    """Mean, deviation and knots by the rows that hold a number; None where these are all the same.

    The outer hundredths count as the numbers beside them, so that an absurd number does not set the scale. Knots are
    the levels where there are few, so that numbers that are codes can be learned like categories; else quantiles, so
    that there is the same number of rows between any two.
    """
    numbers = form.numbers(column.values, kind)[column.codes[column.codes >= 0]]
    numbers = np.sort(numbers[np.isfinite(numbers)])
    if not len(numbers) or numbers[0] == numbers[-1]:
        return None
    low, high = np.quantile(numbers, OUTER, method="nearest")
    inner = np.clip(numbers, low, high) if low < high else numbers
    levels, n_rows = np.unique(numbers, return_counts=True)
    levels = levels[n_rows >= LEAST_ROWS]
    if len(levels) > MOST_LEVELS:
        levels = np.unique(np.quantile(numbers, np.linspace(0, 1, KNOTS), method="nearest"))
    knots = levels if len(levels) >= LEAST_KNOTS else np.empty(0)
    return NumberColumn(name, kind, form, float(inner.mean()), float(inner.std()), knots)
