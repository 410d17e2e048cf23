"""What it says of a rating that this user gave it, whatever the item is like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsys.core.types import BoolArray, Counts, Float32Array, Float64Array, Indices, Int64Array

FEW = 5  # ratings of an item; one with more has a weight of its own, and so has one without any
N_WEIGHTS = 3  # of items with none, few and more


@dataclass(frozen=True, eq=False)
class Raters:
    """The score of a pair that is rated lacks user[u] · weight · max(n_i, 1)^-½, with the n_i ratings of the item.

    Where the users who rated an item count, each user is among the raters of all items of theirs in training: the rows
    of the items have a term of the user in them, |N(i)|^-½ z_u. A pair that is predicted lacks it, since the user is
    not among the raters yet. user[u] = z_u · P_u + z_u,bias is what it adds to the score.

    The last user and the last item stand for whoever is unknown, so that index −1 finds them: items that nobody has
    rated, and users of whom nothing is known, for whom 0 is better than the mean (docs/experiments/raters.md).

    Attributes:
        user: in rating units, float32, shape (n_users + 1,).
        n_ratings: of each item in training, int64, shape (n_items + 1,).
        weights: how much it counts for items with none, few and more, float64, shape (N_WEIGHTS,).
    """

    user: Float32Array
    n_ratings: Counts
    weights: Float64Array

    @classmethod
    def of(cls, user: Float32Array, has_ratings: BoolArray, n_ratings: Counts) -> Raters:
        """Of known users and items, where nothing has told how much it counts: it counts in full.

        Args:
            has_ratings: of each user, bool, shape (n_users,).
        """
        known = np.where(has_ratings, user, np.float32(0))
        return cls(np.append(known, np.float32(0)), np.append(n_ratings, 0), np.ones(N_WEIGHTS))

    @cached_property
    def item(self) -> Float32Array:
        """weight · max(n_i, 1)^-½, float32, shape (n_items + 1,)."""
        root = np.sqrt(np.maximum(self.n_ratings, 1))
        return np.asarray(self.weights[group_of(self.n_ratings)] / root, dtype=np.float32)

    def score(self, user_idx: Indices, item_idx: Indices) -> Float32Array:
        """What is added to the scores of pairs, float32, shape (n,)."""
        return np.asarray(self.user[user_idx] * self.item[item_idx])

    def weighted(self, weights: Float64Array) -> Raters:
        """The same with other weights."""
        return replace(self, weights=weights)

    def with_typical(self, item_idx: Indices | Int64Array) -> Raters:
        """The same, where some items have rows that features tell, which are like those of items that many have rated.

        Rows that a prior is fitted to count by their ratings, so that |N|^-½ in such a row is Σ n·n^-½ / Σ n.
        """
        n_ratings, known = self.n_ratings.copy(), self.n_ratings[self.n_ratings > 0]
        n_ratings[item_idx] = max(1, round((known.sum() / np.sqrt(known).sum()) ** 2)) if len(known) else 1
        return replace(self, n_ratings=n_ratings)

    def with_rows(self, user_idx: Indices, item_idx: Indices) -> Raters:
        """The same on more users and items: each gets the row of an index here, and for −1 that of the unknown."""
        return replace(self, user=self.user[np.append(user_idx, -1)], n_ratings=self.n_ratings[np.append(item_idx, -1)])


def group_of(n_ratings: Counts) -> Int64Array:
    """The number of the weight of items with so many ratings."""
    return np.asarray((n_ratings > 0).astype(np.int64) + (n_ratings > FEW))
