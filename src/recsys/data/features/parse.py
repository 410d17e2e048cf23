"""What a field of a features file says: categories, words, or a number."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.core.types import Float64Array
from recsys.data.features.table import Value
from recsys.data.sources.dates import seconds_of
from recsys.data.sources.values import Decimal, iso_seconds, number_with

BRACKETS = "[]"
"""The separator that stands for lists as Python and JSON write them."""
MOST_PARTS = 200  # of one field
WORD = re.compile(r"[^\W_]+")
LEAST_LETTERS = 2  # of a word
YEAR = re.compile(r"[(\[](1[89]\d\d|20\d\d)(?:[-–/]\s?(?:\d{2}|\d{4})?)?[)\]]\s*$")
"""A year in brackets at the end, as behind the title of a film; of a span the first one."""
SECONDS_OF_YEAR, EPOCH_YEAR = 31_556_952, 1970


@dataclass(frozen=True)
class NumberForm:
    """How the numbers or dates of a column are written.

    Attributes:
        decimal: the decimal mark; None: a point, and no marks between thousands.
        date: the format of strptime; None: ISO.
    """

    decimal: Decimal = None
    date: str | None = None

    def numbers(self, values: Sequence[Value], kind: str) -> Float64Array:
        """The number of each value, dates in years, float64, shape (n,); NaN where it is none."""
        parsed = [self._number(value, kind) if isinstance(value, str) else None for value in values]
        numbers = np.array([math.nan if number is None else number for number in parsed], dtype=np.float64)
        return np.where(np.abs(numbers) <= LARGEST_NUMBER, numbers, np.nan)

    def _number(self, text: str, kind: str) -> float | None:
        if kind == "number":
            return number_with(self.decimal, text.strip())
        if kind == "year":
            match = YEAR.search(text)
            return None if match is None else float(match[1])
        seconds = iso_seconds(text) if self.date is None else seconds_of(text, self.date)
        return None if seconds is None else EPOCH_YEAR + seconds / SECONDS_OF_YEAR


PLAIN = NumberForm()
LARGEST_NUMBER = 1e30


def parts_of(value: Value, kind: str, separator: str | None) -> Iterable[str]:
    """The categories or the words of a field, each once, at most MOST_PARTS."""
    if kind == "text":
        words = WORD.findall(value.lower() if isinstance(value, str) else " ".join(value).lower())
        return list(dict.fromkeys(word for word in words if len(word) >= LEAST_LETTERS))[:MOST_PARTS]
    if isinstance(value, tuple):
        return list(dict.fromkeys(part for text in value if (part := text.strip())))[:MOST_PARTS]
    if kind == "category" or separator is None:
        return [value.strip()]
    parts = _in_brackets(value) if separator == BRACKETS else value.split(separator)
    return list(dict.fromkeys(part for text in parts if (part := text.strip())))[:MOST_PARTS]


def is_in_brackets(text: str) -> bool:
    """Whether this may be a list as Python or JSON writes it."""
    return text.startswith("[") and text.endswith("]")


def _in_brackets(text: str) -> Iterable[str]:
    """The parts of a list that Python or JSON has written; of objects in it their "name"."""
    inner = text.strip()
    if not is_in_brackets(inner):
        return [inner]
    try:
        parts = ast.literal_eval(inner)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return [part.strip().strip("'\"") for part in inner[1:-1].split(",")]
    return [str(part.get("name", "")) if isinstance(part, dict) else str(part) for part in parts]
