"""Conditions on the columns of the items file, such as genres=Comedy or year>=1990."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recsys.core.checked import shown
from recsys.core.errors import UsageError, nearest
from recsys.core.types import BoolArray, Texts
from recsys.core.words import joined
from recsys.data.sources.values import number

BETWEEN = "|"  # stands between the members of a list
ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CONDITION = re.compile(r"(?P<column>.+?)(?P<operator><=|>=|!=|==?|<|>)(?P<value>.+)", re.DOTALL)
EXPECTED = 'COLUMN=VALUE, or with !=, <, <=, > or >= instead of =, such as "genres=Comedy" or "year>=1990"'


@dataclass(frozen=True)
class Condition:
    """A column of the items file compared with a value.

    Attributes:
        operator: = or !=, which also look at the members of a list `a|b`; <, <=, > or >=, which compare numbers.
    """

    column: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that a person wrote.

        Raises:
            UsageError: it is none.
        """
        match = CONDITION.fullmatch(text.strip())
        if match is None:
            raise UsageError(f"{shown(text)} is no condition", expected=EXPECTED)
        condition = cls(match["column"].strip(), match["operator"].replace("==", "="), match["value"].strip())
        if condition.operator in ORDERS and _finite(condition.value) is None:
            raise UsageError(
                f"{shown(text)} compares with {shown(condition.value)}, which is no number", expected=EXPECTED
            )
        return condition

    def met_by(self, columns: Mapping[str, Texts]) -> BoolArray:
        """Which items meet the condition, bool, shape (n_items,); one whose text is missing does not.

        Raises:
            UsageError: there is no such column, or numbers are compared and it holds none.
        """
        texts = columns[_known(self.column, columns)].tolist()
        distinct = dict.fromkeys(texts)
        if self.operator in ORDERS and all(_finite(text) is None for text in distinct):
            raise UsageError(
                f"the column {self.column!r} holds no numbers",
                where=f"the condition {self}",
                expected=f"a column of numbers for {self.operator}",
                hint=f'such as "{self.column}={next(filter(None, distinct), "VALUE")}"',
            )
        is_met = {text: bool(text) and self._compare(text) for text in distinct}
        return np.fromiter((is_met[text] for text in texts), dtype=np.bool_, count=len(texts))

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{self.value}"

    def _compare(self, text: str) -> bool:
        own, other = _finite(text), _finite(self.value)
        if self.operator in ORDERS:
            return own is not None and other is not None and ORDERS[self.operator](own, other)
        is_equal = self.value == text or self.value in text.split(BETWEEN) or (own is not None and own == other)
        return is_equal == (self.operator == "=")


def _finite(text: str) -> float | None:
    value = number(text)
    return None if value is None or not math.isfinite(value) else value


def _known(column: str, columns: Mapping[str, Texts]) -> str:
    if column in columns:
        return column
    near = nearest(column, [*columns])
    raise UsageError(
        f"the run's items have no column {shown(column)}",
        expected=joined([*columns]) if columns else "a run whose items file has columns beside titles",
        hint=f"did you mean {near!r}?" if near else None if columns else "train with data.items: FILE",
    )
