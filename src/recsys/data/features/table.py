"""A features file as it was read: ids, and columns of texts of which each occurs once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from recsys.core.types import Counts, Indices, Texts
from recsys.data.sources.no_rating import MISSING

Value: TypeAlias = str | tuple[str, ...]
"""What stands in a field: a text as it is written, or the texts of a list."""


@dataclass(frozen=True, eq=False)
class FeatureColumn:
    """A column.

    Attributes:
        codes: int32, shape (n,), which of `values` each row holds; −1: nothing.
        values: each once, in order of first appearance.
    """

    codes: Indices
    values: tuple[Value, ...]

    @classmethod
    def of(cls, fields: Iterable[Value | None]) -> FeatureColumn:
        """Of the field of each row; blank ones and those such as NA are missing."""
        builder = ColumnBuilder()
        for field in fields:
            builder.add(field)
        return builder.column()

    @property
    def counts(self) -> Counts:
        """Rows of each value, int64."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    @property
    def share_missing(self) -> float:
        """Of the rows, those that hold nothing, 0 to 1."""
        return float(np.mean(self.codes < 0)) if len(self.codes) else 0.0

    @property
    def has_lists(self) -> bool:
        """Whether the source itself says that these are lists."""
        return any(isinstance(value, tuple) for value in self.values)

    def texts(self) -> Iterator[str]:
        """The values as they would be written, lists as "a|b"."""
        return (value if isinstance(value, str) else "|".join(value) for value in self.values)


class ColumnBuilder:
    """A column that is read field by field; blank ones and those such as NA are missing."""

    def __init__(self) -> None:
        self._codes = array("i")
        self._code_of: dict[Value | None, int] = dict.fromkeys((*MISSING, (), None), -1)
        self._n_missing = len(self._code_of)

    def add(self, field: Value | None) -> None:
        """The field of the next row."""
        self._codes.append(self._code_of.setdefault(field, len(self._code_of) - self._n_missing))

    def column(self) -> FeatureColumn:
        """What has been read."""
        values = [value for value, code in self._code_of.items() if code >= 0 and value is not None]
        return FeatureColumn(np.array(self._codes, dtype=np.int32), tuple(values))


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """A features file.

    Attributes:
        path: the file, or what to call it in messages.
        id_name: of the column of ids; its position from 1 where it has no name.
        ids: as they are written, object (str), shape (n,).
        columns: by name, or by position from 1, those that hold no ids.
        place: where a row, from 0, stands.
    """

    path: Path
    id_name: str
    ids: Texts
    columns: dict[str, FeatureColumn]
    place: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.ids)
