"""What the columns of a features file are, by all of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from recsys.core.types import Counts
from recsys.data.features.kind import Kind, NumberKind
from recsys.data.features.parse import BRACKETS, PLAIN, WORD, YEAR, NumberForm, is_in_brackets, parts_of
from recsys.data.features.table import FeatureColumn
from recsys.data.sources.dates import formats_of
from recsys.data.sources.values import Decimal

SEPARATORS = ("|", ";", ",", "/")
PLAIN_SEPARATORS = ("|", ";")
"""Those that seldom stand in a text."""
LEAST_LISTS = 0.1
"""Share of the rows in which another separator stands, if it is one."""
LEAST_GAIN = 1.5
"""How many times as often as whole fields the parts recur that such a separator makes, if these are lists."""
LEAST_RECURRING = 0.6
"""Share of the parts that recur, if another separator makes them of lists."""
LONGEST_PART = 3.0  # words of a category in a list, on average
MOST_ONCE = 0.5
"""Share of the rows whose value no other row has, above which values are no categories."""
LEAST_YEARS = 0.5  # share of the rows that end with a year
LEAST_WORDS = 1.5  # of a text, on average
LEAST_FITTING = 0.99
"""Share of the rows with numbers, or dates, from which a column holds them; the others are missing values."""
SAMPLE, LEAST_OF_SAMPLE = 200, 0.9  # distinct values
ADDRESS = "://"


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Attributes:
        kind: None: it is of no use.
        why: then, in words.
        separator: of lists, between their parts.
        form: of numbers and dates, how they are written.
    """

    kind: Kind | None
    why: str = ""
    separator: str | None = None
    form: NumberForm = PLAIN


def guess(column: FeatureColumn) -> Guess:
    """What a column is, by all of its values.

    Numbers if nearly all are; but with two values, or zeros in front as codes have them, categories. Dates if nearly
    all have one form. Years if most texts end with one. Lists if parts of the fields recur more often than whole
    fields. Categories if most values recur. Else texts, if they have several words.
    """
    counts, texts = column.counts, list(column.texts())
    if not texts:
        return Guess(None, "no row has a value")
    if len(texts) == 1 and not column.share_missing:
        return Guess(None, "all rows have the same value")
    if column.has_lists:
        return Guess("list")
    if sum(ADDRESS in text for text in texts) > len(texts) / 2:
        return Guess(None, "these are addresses")
    form = number_form(texts, counts)
    if form is not None:
        return Guess("category") if len(texts) == 2 else Guess("number", form=form)
    if (dates := date_form(texts, counts)) is not None:
        return Guess("date", form=dates)
    if (separator := separator_of(texts, counts)) is not None:
        return Guess("list", separator=separator)
    if counts[[YEAR.search(text) is not None for text in texts]].sum() >= LEAST_YEARS * counts.sum():
        return Guess("year")
    return _texts_or_categories(texts, counts)


def number_form(texts: Sequence[str], counts: Counts, least: float = LEAST_FITTING) -> NumberForm | None:
    """How numbers are written, if nearly all values are some; None for codes with zeros in front.

    Args:
        counts: rows of each text.
        least: share of the rows that have to hold one.
    """
    if any(map(_is_code, texts)):
        return None
    decimals: tuple[Decimal, ...] = (None, ",", ".")
    return _fitting([NumberForm(decimal) for decimal in decimals], "number", texts, counts, least)


def date_form(texts: Sequence[str], counts: Counts, least: float = LEAST_FITTING) -> NumberForm | None:
    """How dates are written, if nearly all values are some.

    Args:
        counts, least: as of `number_form`.
    """
    forms = [PLAIN, *(NumberForm(date=form) for form in formats_of(texts[:SAMPLE]))]
    return _fitting(forms, "date", texts, counts, least)


def _fitting(
    forms: Sequence[NumberForm], kind: NumberKind, texts: Sequence[str], counts: Counts, least: float
) -> NumberForm | None:
    """The first form that enough rows have; a sample tells most columns of other kinds."""
    for form in forms:
        if all(
            counts[:n][np.isfinite(form.numbers(texts[:n], kind))].sum() >= share * counts[:n].sum()
            for n, share in ((SAMPLE, min(least, LEAST_OF_SAMPLE)), (len(texts), least))
        ):
            return form
    return None


def separator_of(texts: list[str], counts: Counts) -> str | None:
    """What stands between the parts of lists, where the fields are lists.

    Args:
        counts: rows of each text.
    """
    if all(map(is_in_brackets, texts)):
        return BRACKETS
    gains = {separator: _gain(texts, counts, separator) for separator in SEPARATORS}
    least = {separator: 0.0 if separator in PLAIN_SEPARATORS else LEAST_GAIN for separator in SEPARATORS}
    fitting = [separator for separator in SEPARATORS if gains[separator] > least[separator]]
    return max(fitting, key=lambda separator: gains[separator], default=None)


def _gain(texts: list[str], counts: Counts, separator: str) -> float:
    """How many times as often the parts of the texts recur as the texts; 0 where these are no lists."""
    has_it = np.array([separator in text for text in texts])
    least = 0.0 if separator in PLAIN_SEPARATORS else LEAST_LISTS
    if not has_it.any() or counts[has_it].sum() < least * counts.sum():
        return 0.0
    rows_of: Counter[str] = Counter()
    for text, n in zip(texts, counts.tolist(), strict=True):
        rows_of.update(dict.fromkeys(parts_of(text, "list", separator), n))
    n_words = sum(len(WORD.findall(part)) * n for part, n in rows_of.items())
    n_parts = rows_of.total()
    n_recurring = sum(n for n in rows_of.values() if n > 1)
    least_recurring = 0.0 if separator in PLAIN_SEPARATORS else LEAST_RECURRING * n_parts
    if n_words > LONGEST_PART * n_parts or n_recurring <= least_recurring:
        return 0.0
    return (n_parts / len(rows_of)) / (int(counts.sum()) / len(texts))


def _texts_or_categories(texts: list[str], counts: Counts) -> Guess:
    share_once = counts[counts == 1].sum() / counts.sum()
    if share_once <= MOST_ONCE:
        return Guess("category")
    n_words = sum(len(WORD.findall(text)) * n for text, n in zip(texts, counts.tolist(), strict=True))
    recurring = Counter(chain.from_iterable(parts_of(text, "text", None) for text in texts))
    if n_words >= LEAST_WORDS * counts.sum() and max(recurring.values(), default=0) > 1:
        return Guess("text")
    return Guess(None, f"{'all' if share_once == 1 else 'most'} rows have values of their own")


def _is_code(text: str) -> bool:
    """Whether this is a code with a zero in front, such as a postal code, and no number."""
    digits = text.strip().lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
