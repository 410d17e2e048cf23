"""Columns of a features file as columns of a matrix, and the rules by which others are encoded alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TypeAlias

import numpy as np

from recsys.core.types import BoolArray, Float64Array
from recsys.data.features.kind import LARGEST_Z, NumberKind, TermKind
from recsys.data.features.matrix import FeatureMatrix, beside
from recsys.data.features.parse import NumberForm, parts_of
from recsys.data.features.table import FeatureColumn, FeatureTable


@dataclass(frozen=True, eq=False)
class TermsColumn:
    """Categories, lists of categories or words: a column of the matrix for each that is known.

    The n known ones of a row are 1/√n each, so that a row with many weighs no more than one with a single one.

    Attributes:
        source: name of the column in the file.
        separator: between the parts of a list; None where there are none, or the source gives lists.
        terms: the known ones, each once.
    """

    source: str
    kind: TermKind
    separator: str | None
    terms: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Of the columns of the matrix."""
        return [f"{self.source}: {term}" for term in self.terms]

    def encode(self, column: FeatureColumn) -> FeatureMatrix:
        """A row for each row of the file."""
        index = self._index
        known = [
            sorted({index[part] for part in parts_of(value, self.kind, self.separator) if part in index})
            for value in column.values
        ]
        counts = np.array([len(terms) for terms in known], dtype=np.int64)
        idx = np.fromiter(chain.from_iterable(known), dtype=np.int32, count=int(counts.sum()))
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        value = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
        return FeatureMatrix(start, idx, value, len(self.terms)).take(column.codes)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self.terms)}


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """A number x, or a date in years: standardised, and by how near it lies to each of some knots.

    z = (x − mean)/std, no further than LARGEST_Z from 0. Beside it a column for each knot: 1 at the knot, falling
    linearly to 0 at the next one on either side, so that any curve through values at the knots can be learned.
    Numbers beyond the outer knots are as there.

    Attributes:
        source: name of the column in the file.
        form: how numbers are written.
        knots: float64, rising, shape (n_knots,): three or more, or none.
    """

    source: str
    kind: NumberKind
    form: NumberForm
    mean: float
    std: float
    knots: Float64Array

    @property
    def names(self) -> list[str]:
        """Of the columns of the matrix."""
        source = self.source if self.kind != "year" else f"{self.source} (year)"
        shown = [f"{knot:.6g}" if self.kind == "number" else f"{knot:.5g}" for knot in self.knots.tolist()]
        return [source, *(f"{source} near {knot}" for knot in shown)]

    def encode(self, column: FeatureColumn) -> FeatureMatrix:
        """A row for each row of the file; one without entries where it holds no number."""
        numbers = self.form.numbers(column.values, self.kind)
        has_number = np.isfinite(numbers)
        x = np.where(has_number, numbers, self.mean)
        dense = np.empty((len(x), 1 + len(self.knots)))
        dense[:, 0] = np.clip((x - self.mean) / self.std, -LARGEST_Z, LARGEST_Z)
        for number, near in enumerate(np.eye(len(self.knots)), start=1):
            dense[:, number] = np.interp(x, self.knots, near)
        is_kept = has_number[:, None] & ((dense != 0) | (np.arange(dense.shape[1]) == 0))
        row, place = np.nonzero(is_kept)
        by_value = FeatureMatrix.of_entries(row, place, dense[row, place], dense.shape)
        return by_value.take(column.codes)


EncodedColumn: TypeAlias = TermsColumn | NumberColumn


@dataclass(frozen=True, eq=False)
class FeatureEncoder:
    """What has been learned of the columns of a features file.

    Attributes:
        id_name: what the file calls the column of ids.
        columns: those that are used; one column of the file may be used in two ways.
    """

    id_name: str
    columns: tuple[EncodedColumn, ...]

    @cached_property
    def names(self) -> list[str]:
        """Of the columns of the matrix, such as "genres: Comedy"."""
        return list(chain.from_iterable(column.names for column in self.columns))

    @property
    def n_columns(self) -> int:
        """Of the matrix."""
        return len(self.names)

    @cached_property
    def is_category(self) -> BoolArray:
        """Whether each column of the matrix stands for a category, alone or of a list, bool, shape (n_columns,)."""
        of_columns = [column.kind in ("category", "list") for column in self.columns]
        return np.repeat(np.array(of_columns, dtype=bool), [len(column.names) for column in self.columns])

    def encode(self, table: FeatureTable) -> FeatureMatrix:
        """A row for each row of a file; a column that the file does not have holds nothing."""
        return beside([self._part(column, table) for column in self.columns], len(table))

    def _part(self, column: EncodedColumn, table: FeatureTable) -> FeatureMatrix:
        there = table.columns.get(column.source)
        return FeatureMatrix.empty(len(table), len(column.names)) if there is None else column.encode(there)

    def sources(self) -> Sequence[str]:
        """The columns of the file that are used."""
        return list(dict.fromkeys(column.source for column in self.columns))
