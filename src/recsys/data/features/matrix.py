"""What is known of items or users as numbers: a sparse matrix, in NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsys.core.types import BoolArray, Float32Array, Float64Array, Floats, Indices, Int64Array

MOST_TERMS = 1 << 20  # numbers that a temporary array holds


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """Compressed sparse rows F. All sums run in the order of the entries: their bits depend on no number of threads.

    Attributes:
        start: int64, shape (n_rows + 1,); row r has the entries start[r] … start[r + 1] − 1, perhaps none.
        column: int32, shape (nnz,), rising within a row.
        value: float32, shape (nnz,).
    """

    start: Int64Array
    column: Indices
    value: Floats
    n_columns: int

    @classmethod
    def empty(cls, n_rows: int, n_columns: int) -> FeatureMatrix:
        """Rows of which nothing is known."""
        start = np.zeros(n_rows + 1, dtype=np.int64)
        return cls(start, np.empty(0, np.int32), np.empty(0, np.float32), n_columns)

    @classmethod
    def of_entries(
        cls, row: Int64Array, column: Int64Array, value: Float64Array, shape: tuple[int, int]
    ) -> FeatureMatrix:
        """Of entries in any order, each place at most once; shapes (nnz,)."""
        order = np.lexsort((column, row))
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))]).astype(np.int64)
        return cls(start, column[order].astype(np.int32), value[order].astype(np.float32), shape[1])

    def __len__(self) -> int:
        return len(self.start) - 1

    def check(self) -> None:
        """Raises ValueError where the columns of a row do not rise."""
        if ((np.diff(self.column) <= 0) & (np.diff(self.row) == 0)).any():
            raise ValueError("the columns of a row do not rise")

    @cached_property
    def has_any(self) -> BoolArray:
        """Whether anything is known of each row, bool, shape (n_rows,); an entry may be 0."""
        return np.diff(self.start) > 0

    @cached_property
    def row(self) -> Int64Array:
        """The row of each entry, int64, shape (nnz,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @cached_property
    def column_counts(self) -> Int64Array:
        """Entries of each column, int64, shape (n_columns,)."""
        return np.bincount(self.column, minlength=self.n_columns)

    def take(self, rows: Indices | Int64Array) -> FeatureMatrix:
        """Some of the rows, in this order; −1: a row without entries."""
        counts = np.append(np.diff(self.start), 0)[rows]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        entry = np.repeat(np.append(self.start[:-1], 0)[rows] - start[:-1], counts) + np.arange(start[-1])
        return FeatureMatrix(start, self.column[entry], self.value[entry], self.n_columns)

    def only(self, columns: Indices | Int64Array) -> FeatureMatrix:
        """Some of the columns, rising."""
        place = np.full(self.n_columns, -1, dtype=np.int32)
        place[columns] = np.arange(len(columns))
        kept = np.flatnonzero(place[self.column] >= 0)
        start = np.searchsorted(kept, self.start)
        return FeatureMatrix(start, place[self.column[kept]], self.value[kept], len(columns))

    def dense(self) -> Float32Array:
        """All of it, float32, shape (n_rows, n_columns)."""
        dense = np.zeros((len(self), self.n_columns), np.float32)
        dense[self.row, self.column] = self.value
        return dense

    def stacked(self, other: FeatureMatrix) -> FeatureMatrix:
        """The rows of another one, which has the same columns, below these."""
        start = np.concatenate([self.start, self.start[-1] + other.start[1:]])
        column, value = np.concatenate([self.column, other.column]), np.concatenate([self.value, other.value])
        return FeatureMatrix(start, column, value, self.n_columns)

    def times(self, weights: Float64Array) -> Float64Array:
        """F W, shape (n_columns, k) → (n_rows, k)."""
        product = np.zeros((len(self), weights.shape[1]))
        for rows in _pieces(self.start, weights.shape[1]):
            entry = slice(self.start[rows.start], self.start[rows.stop])
            terms = weights[self.column[entry]] * self.value[entry, None]
            product[rows] = _sums(terms, self.start[rows.start : rows.stop + 1] - self.start[rows.start])
        return product

    def cross(self, weights: Float64Array, targets: Float64Array) -> Float64Array:
        """Fᵀ diag(w) Y, shapes (n_rows,) and (n_rows, k) → (n_columns, k)."""
        product = np.zeros((self.n_columns, targets.shape[1]))
        for rows in _pieces(self.start, targets.shape[1]):
            entry = np.arange(self.start[rows.start], self.start[rows.stop])
            entry = entry[np.argsort(self.column[entry], kind="stable")]
            row, (columns, first) = self.row[entry], np.unique(self.column[entry], return_index=True)
            factor = self.value[entry] * weights[row]
            product[columns] += _sums(targets[row] * factor[:, None], np.append(first, len(entry)))
        return product

    def moments(self, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The weighted means of each column and of its squares, float64, shape (n_rows,) → (n_columns,)."""
        ones, total = np.ones((len(self), 1)), max(float(weights.sum()), 1.0)
        squares = replace(self, value=np.square(self.value, dtype=np.float64))
        mean, square = (of.cross(weights, ones)[:, 0] / total for of in (self, squares))
        return mean, square

    def gram(self, weights: Float64Array) -> Float64Array:
        """Fᵀ diag(w) F, shape (n_rows,) → (n_columns, n_columns), symmetric to the bit."""
        n = self.n_columns
        product = np.zeros(n * n)
        for left, right in self.entry_pairs(least=n * n):
            terms = self.value[left].astype(np.float64) * self.value[right] * weights[self.row[left]]
            place = self.column[left].astype(np.int64) * n + self.column[right]
            product += np.bincount(place, weights=terms, minlength=n * n)
        return product.reshape(n, n)

    def entry_pairs(self, least: int = 0) -> Iterator[tuple[Int64Array, Int64Array]]:
        """Each entry with each of its row, itself too, by their numbers: piece by piece, of `least` pairs or more."""
        counts = np.diff(self.start)
        for rows in _pieces(np.concatenate([[0], np.cumsum(counts**2)]), 1, least):
            entry = np.arange(self.start[rows.start], self.start[rows.stop])
            width = counts[self.row[entry]]
            left = np.repeat(entry, width)
            first = np.repeat(self.start[self.row[entry]], width)
            yield left, first + np.arange(len(left)) - np.repeat(np.cumsum(width) - width, width)


def beside(parts: Sequence[FeatureMatrix], n_rows: int) -> FeatureMatrix:
    """The columns of several, which have the same rows, from left to right."""
    before = np.cumsum([0, *(part.n_columns for part in parts)])
    row = np.concatenate([np.empty(0, np.int64), *(part.row for part in parts)])
    moved = [part.column.astype(np.int64) + int(first) for part, first in zip(parts, before[:-1], strict=True)]
    column = np.concatenate([np.empty(0, np.int64), *moved])
    value = np.concatenate([np.empty(0, np.float32), *(part.value for part in parts)])
    return FeatureMatrix.of_entries(row, column, value, (n_rows, int(before[-1])))


def _pieces(start: Int64Array, width: int, least: int = 0) -> Iterator[slice]:
    """Slices that cover the rows in order, each with about MOST_TERMS numbers: entries times `width`, or `least`."""
    n_rows, most = len(start) - 1, max(MOST_TERMS // max(width, 1), least, 1)
    first = 0
    while first < n_rows:
        end = int(np.searchsorted(start, start[first] + most, side="right")) - 1
        end = min(max(end, first + 1), n_rows)
        yield slice(first, end)
        first = end


def _sums(terms: Float64Array, start: Int64Array) -> Float64Array:
    """The sum of the terms of each row, which lie one row after the other; 0 for a row without any."""
    sums = np.zeros((len(start) - 1, terms.shape[1]))
    has_any = start[1:] > start[:-1]
    if has_any.any():
        sums[has_any] = np.add.reduceat(terms, start[:-1][has_any], axis=0)
    return sums
