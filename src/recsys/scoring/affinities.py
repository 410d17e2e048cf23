"""How each user takes to features of items, beyond what the factors say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recsys.core.types import Counts, Float32Array, Float64Array, Indices, Int64Array
from recsys.data.features.matrix import FeatureMatrix, beside

HALVED = 6  # ratings after which it counts half (docs/experiments/features.md)


def weight_after(n_ratings: Counts) -> Float32Array:
    """How much it counts for items with so many ratings, float32, the shape of them."""
    return np.asarray(HALVED / (HALVED + n_ratings), np.float32)


@dataclass(frozen=True, eq=False)
class Affinities:
    """The score of a pair whose item is told by features has user[u] · item[i] more.

    Column 0 of both is that of all such items, for which item[i] is 1. The other columns are features of the item. Of
    an item that has been folded in with ratings, item[i] is `weight_after` of these times that. Items with training
    ratings have no entries: their rows hold what users make of them; or, where their rows are drawn to features, the
    share of that which they are drawn by.

    The last user and the last item stand for whoever is unknown: rows of zeros, and without entries.

    Attributes:
        user: in rating units, float32, shape (n_users + 1, 1 + n).
        features: which columns of the items' features the others are, rising, int32, shape (n,).
        item: n_items + 1 rows, 1 + n columns.
    """

    user: Float32Array
    features: Indices
    item: FeatureMatrix

    @classmethod
    def of(cls, user: Float32Array, features: Indices, n_items: int) -> Affinities:
        """Of known users and items; shape (n_users, 1 + n)."""
        nobody = np.zeros((1, user.shape[1]), np.float32)
        return cls(np.concatenate([user, nobody]), features, FeatureMatrix.empty(n_items + 1, user.shape[1]))

    def score(self, user_idx: Indices, item_idx: Indices) -> Float32Array:
        """What is added to the scores of pairs, float32, shape (n,)."""
        added = np.zeros(len(item_idx), np.float32)
        some = np.flatnonzero(self.item.has_any[item_idx])
        if len(some):
            added[some] = self._products(user_idx[some], self.item.take(item_idx[some]))
        return added

    def of_features(self, user_idx: Indices, features: FeatureMatrix) -> Float32Array:
        """What is added to the score of a user and an item with such features, a row for each pair, shape (n,)."""
        return self._products(user_idx, self._rows_of(features))

    def to_features(self, user_idx: int, n_features: int) -> Float64Array:
        """The user's affinity to each of all features of items, float64, shape (n_features,)."""
        slopes = np.zeros(n_features)
        slopes[self.features] = self.user[user_idx, 1:]
        return slopes

    def add_to_tile(self, scores: Float32Array, user_idx: Indices, items: slice) -> None:
        """Adds it to the scores of a range of items for each user, shape (n, length of the range)."""
        some = np.flatnonzero(self.item.has_any[items])
        if len(some):
            told = slice(some[0], some[-1] + 1)  # those between have rows of zeros
            rows = np.arange(items.start + told.start, items.start + told.stop)
            scores[:, told] += self.user[user_idx] @ self.item.take(rows).dense().T

    def with_rows(self, user_idx: Indices, item_idx: Indices) -> Affinities:
        """The same on more users and items: each gets the row of an index here, and for −1 that of the unknown."""
        return replace(self, user=self.user[np.append(user_idx, -1)], item=self.item.take(np.append(item_idx, -1)))

    def told_by(
        self, item_idx: Indices | Int64Array, features: FeatureMatrix, weight: Float32Array | None = None
    ) -> Affinities:
        """The same, where some items are told by such features, a row for each; a weight makes them count less."""
        rows = self._rows_of(features)
        if weight is not None:
            rows = replace(rows, value=rows.value * weight[rows.row])
        source = np.arange(len(self.item))
        source[item_idx] = len(self.item) + np.arange(len(item_idx))
        return replace(self, item=self.item.stacked(rows).take(source))

    def _rows_of(self, features: FeatureMatrix) -> FeatureMatrix:
        """Rows of items with such features; one of nothing without entries."""
        n_some = int(np.count_nonzero(features.has_any))
        start = np.append(0, np.cumsum(features.has_any)).astype(np.int64)
        constant = FeatureMatrix(start, np.zeros(n_some, np.int32), np.ones(n_some, np.float32), 1)
        return beside([constant, features.only(self.features)], len(features))

    def _products(self, user_idx: Indices, rows: FeatureMatrix) -> Float32Array:
        terms = self.user[user_idx[rows.row], rows.column] * rows.value
        return np.bincount(rows.row, weights=terms, minlength=len(rows)).astype(np.float32)
