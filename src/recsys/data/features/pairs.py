"""Pairs of categories as further columns: what two of them say together beyond what each says alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recsys.core.types import BoolArray, Indices
from recsys.data.features.matrix import FeatureMatrix, beside

LEAST_ROWS = 2  # that have both: a pair of one row alone says nothing about any other
ROWS_FOR_A_PAIR = 10  # at least, of all rows
PAIRS_OF_A_ROW = 20  # at most, in the mean over the rows
MOST_PAIRS = MOST_CATEGORIES = 1_000  # with which the prior still takes seconds


def no_pairs() -> Indices:
    """None, int32, shape (0, 2)."""
    return np.empty((0, 2), dtype=np.int32)


def frequent_pairs(features: FeatureMatrix, is_category: BoolArray) -> Indices:
    """The pairs of categories that the most rows have both of, of the most frequent categories.

    Args:
        features: of the rows to learn from.
        is_category: of each column whether it stands for a category, bool, shape (n_columns,).
    Returns:
        Two columns each, the left one first, in rising order, int32, shape (n_pairs, 2).
    """
    counts = np.where(is_category, features.column_counts, 0)
    frequent = np.sort(np.argsort(-counts, kind="stable")[: min(MOST_CATEGORIES, np.count_nonzero(counts))])
    has_both = np.triu(_ones(features.only(frequent)).gram(np.ones(len(features))), k=1).astype(np.int64)
    left, right = np.nonzero(has_both >= LEAST_ROWS)
    n_rows = has_both[left, right]
    most = min(MOST_PAIRS, len(features) // ROWS_FOR_A_PAIR)
    best = np.argsort(-n_rows, kind="stable")[:most]
    best = np.sort(best[np.cumsum(n_rows[best]) <= PAIRS_OF_A_ROW * len(features)])
    return frequent[np.column_stack([left[best], right[best]])].astype(np.int32)


def with_pairs(features: FeatureMatrix, pairs: Indices) -> FeatureMatrix:
    """The columns with those of the pairs behind them: 1 in the rows that have both.

    Their own columns are 1 too then, and not less in a row with many categories, so that they go with the pairs.
    """
    if not len(pairs):
        return features
    is_paired = np.zeros(features.n_columns, dtype=bool)
    is_paired[pairs] = True
    value = np.where(is_paired[features.column], np.float32(1), features.value)
    return beside([replace(features, value=value), _products(features, pairs)], len(features))


def pair_names(names: Sequence[str], pairs: Indices) -> list[str]:
    """Of the columns of the pairs, such as "genres: Comedy + genres: Drama"."""
    return [f"{names[left]} + {names[right]}" for left, right in zip(*(end.tolist() for end in pairs.T), strict=True)]


def _products(features: FeatureMatrix, pairs: Indices) -> FeatureMatrix:
    columns = np.unique(pairs)
    some, n = features.only(columns), len(columns)
    keys = np.searchsorted(columns, pairs) @ np.array([n, 1])
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for left, right in some.entry_pairs():
        key = some.column[left].astype(np.int64) * n + some.column[right]
        place = np.searchsorted(keys, key)
        is_pair = np.append(keys, -1)[place] == key
        parts.append((some.row[left[is_pair]], place[is_pair]))
    row, place = (np.concatenate(part) for part in zip(*parts, strict=True))
    return FeatureMatrix.of_entries(row, place, np.ones(len(row)), (len(features), len(pairs)))


def _ones(features: FeatureMatrix) -> FeatureMatrix:
    return replace(features, value=np.ones_like(features.value))
