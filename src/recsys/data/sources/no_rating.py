"""Codes in the column of the ratings that stand for "no rating"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, BoolArray
from recsys.data.sources.values import number

USUAL = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "\\N", "<NA>", "#N/A", "-", "?")
"""What stands in the rating column of rows without a rating."""
MISSING = frozenset(USUAL)


@dataclass(frozen=True)
class NoRating:
    """The codes of a config.

    Attributes:
        numbers: codes that are compared as numbers, so that 0 is also 0.0.
        texts: the others, such as NA, without blanks around them; "" is an empty field.
    """

    numbers: tuple[float, ...]
    texts: frozenset[str]

    @classmethod
    def of(cls, codes: Sequence[float | str]) -> NoRating:
        """The codes as `data.no_rating` names them; a number in quotes is a number."""
        values = {str(code).strip(): number(str(code)) for code in codes}
        numbers = {text: value for text, value in values.items() if value is not None and math.isfinite(value)}
        return cls(tuple(numbers.values()), frozenset(values.keys() - numbers.keys()))

    def __bool__(self) -> bool:
        return bool(self.numbers or self.texts)

    def is_code(self, values: Array) -> BoolArray:
        """Which of some numbers, float64, are codes."""
        return np.isin(values, self.numbers)


NONE = NoRating((), frozenset())
"""Every rating is one."""
