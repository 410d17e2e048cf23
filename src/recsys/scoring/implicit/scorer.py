"""The scorer of implicit ALS, in NumPy alone: it ranks items, and predicts no ratings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from recsys.core.types import Counts, Float32Array, Float64Array, Indices, Times
from recsys.data.chunks import chunks
from recsys.data.features.kind import Role
from recsys.data.grouped import GroupedView
from recsys.scoring.fallback import with_fallback
from recsys.scoring.implicit.moments import Moments
from recsys.scoring.implicit.popularity import popularity
from recsys.scoring.implicit.rows import FixedSide, ItemRows, UserRows
from recsys.scoring.implicit.targets import TargetTable
from recsys.scoring.new_rows import NewRows

FEW = 10.0  # interactions with which a row says half of what it could


@dataclass(frozen=True, eq=False)
class ImplicitFactors:
    """score = user_factors[u] · item_factors[i] + item_bias[i], where the product is what training drew to 1 for an
    item that the user interacts with and to 0 for any other, and the bias stands for the item's popularity.

    The last row of each array stands for whoever is unknown: the mean of the rows that have interactions.

    Attributes:
        user_factors, item_factors: float32, shapes (n_users + 1, dim) and (n_items + 1, dim).
        item_bias: g times the popularity of each item, see recsys.scoring.implicit.popularity; float32, shape
            (n_items + 1,).
        user_gramian, item_gramian: Σ w wᵀ and Σ h hᵀ over the rows that have interactions, float64, shape (dim, dim).
        n_known_users, n_known_items: how many have interactions.
        unobserved_weight: α₀, see recsys.training.ials.
        regularization: λ.
        popularity_weight: g, at least 0.
        targets: from ratings to what scores should be.
        moments: how users' rows go with those of their items.
    """

    user_factors: Float32Array
    item_factors: Float32Array
    item_bias: Float32Array
    user_gramian: Float64Array
    item_gramian: Float64Array
    n_known_users: int
    n_known_items: int
    unobserved_weight: float
    regularization: float
    popularity_weight: float
    targets: TargetTable
    moments: Moments
    kind: ClassVar[str] = "implicit"
    pairs_categories: ClassVar[bool] = True  # docs/experiments/features.md

    @property
    def n_users(self) -> int:
        """Known users."""
        return len(self.user_factors) - 1

    @property
    def n_items(self) -> int:
        """Known items."""
        return len(self.item_factors) - 1

    @property
    def embedding_dim(self) -> int:
        """Factors of each user and item."""
        return int(self.user_factors.shape[1])

    def linear_rows(self, role: Role) -> Float32Array:
        """The factors of the known users, float32, shape (n, dim); of items [bias, factors], shape (n, 1 + dim)."""
        if role == "user":
            return self.user_factors[:-1]
        return np.concatenate([self.item_bias[:-1, None], self.item_factors[:-1]], axis=1)

    def row_weights(self, counts: Counts) -> Float64Array:
        """n / (n + 10): a row with few interactions is mostly shrinkage, and all others count alike.

        By interactions themselves, the popular would decide what a genre is like (docs/experiments/features.md).
        """
        return np.asarray(counts / (counts + FEW))

    def row_width(self, role: Role) -> int:
        """The factors; of items a bias too."""
        dim: int = self.user_factors.shape[1]
        return dim + (role == "item")

    def learned_prior(self, role: Role) -> None:
        """None: it is fitted to the rows after training."""

    def extended(self, users: NewRows, items: NewRows) -> ImplicitFactors:
        """The same on more users and items, some with rows of their own."""
        of_users, of_items = np.append(users.source, -1), np.append(items.source, -1)
        user_factors, item_factors = self.user_factors[of_users], self.item_factors[of_items]
        item_bias = self.item_bias[of_items]
        if len(users.idx):
            user_factors[users.idx] = users.rows
        if len(items.idx):
            item_bias[items.idx], item_factors[items.idx] = items.rows[:, 0], items.rows[:, 1:]
        return replace(self, user_factors=user_factors, item_factors=item_factors, item_bias=item_bias)

    def as_rating(self) -> None:
        """None: its scores stand for no ratings."""

    def as_implicit(self) -> ImplicitFactors:
        """Itself."""
        return self

    def score(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Scores of the pairs at any time, float32, shape (n,)."""
        scores = np.einsum("nf,nf->n", self.user_factors[user_idx], self.item_factors[item_idx])
        return np.asarray(scores + self.item_bias[item_idx], np.float32)

    def score_all(self, user_idx: Indices) -> Float32Array:
        """Scores of every known item for each user, float32, shape (n, n_items)."""
        return self.score_rows(self.user_factors[user_idx])

    def score_tile(self, user_idx: Indices, items: slice) -> Float32Array:
        """The same of a range of known items, shape (n, length of the range)."""
        return self._score(self.user_factors[user_idx], items)

    def score_rows(self, rows: Float32Array) -> Float32Array:
        """Scores of every known item for users with such rows, float32, shape (n, n_items).

        Args:
            rows: float32, shape (n, dim).
        """
        return self._score(rows, slice(0, self.n_items))

    def _score(self, rows: Float32Array, items: slice) -> Float32Array:
        scores: Float32Array = rows @ self.item_factors[items].T
        if self.popularity_weight:
            scores += self.item_bias[items]
        return scores

    def item_bias_of(self, counts: Counts) -> Float32Array:
        """The bias of new items with so many interactions each, float32, shape (n,)."""
        return _item_bias(counts, self.n_known_users, self.unobserved_weight, self.popularity_weight)

    def user_rows(self) -> UserRows:
        """What solves the rows of new users."""
        weights = self.unobserved_weight, self.regularization
        items = FixedSide(self.item_factors[:-1], self.n_known_items, self.item_gramian, *weights)
        return UserRows(items, self.user_factors[-1].astype(np.float64), self.moments)

    def item_rows(self) -> ItemRows:
        """What solves the rows of new items."""
        weights = self.unobserved_weight, self.regularization
        users = FixedSide(self.user_factors[:-1], self.n_known_users, self.user_gramian, *weights)
        return ItemRows(users, self.item_factors[-1].astype(np.float64))


def implicit_factors(
    user_rows: Float32Array,
    item_rows: Float32Array,
    seen: GroupedView,
    item_counts: Counts,
    unobserved_weight: float,
    regularization: float,
    popularity_weight: float,
    targets: TargetTable,
) -> ImplicitFactors:
    """The scorer of fitted rows.

    Args:
        user_rows, item_rows: float32, shapes (n_users, dim) and (n_items, dim); zeros where there are no interactions.
        seen: the interactions by user.
        item_counts: interactions of each item, int64, shape (n_items,).
        unobserved_weight, regularization, targets: as they were fitted with.
        popularity_weight: g, see ImplicitFactors.
    """
    has_user, has_item = seen.counts > 0, item_counts > 0
    n_known_users = int(np.count_nonzero(has_user))
    item_bias = _item_bias(item_counts, n_known_users, unobserved_weight, popularity_weight)
    return ImplicitFactors(
        user_factors=with_fallback(user_rows, has_user),
        item_factors=with_fallback(item_rows, has_item),
        item_bias=with_fallback(item_bias, has_item),
        user_gramian=_gramian(user_rows),
        item_gramian=_gramian(item_rows),
        n_known_users=n_known_users,
        n_known_items=int(np.count_nonzero(has_item)),
        unobserved_weight=unobserved_weight,
        regularization=regularization,
        popularity_weight=popularity_weight,
        targets=targets,
        moments=Moments.of(user_rows, item_rows, seen),
    )


def _item_bias(counts: Counts, n_known_users: int, unobserved_weight: float, popularity_weight: float) -> Float32Array:
    return np.float32(popularity_weight) * popularity(counts, n_known_users, unobserved_weight)


def _gramian(rows: Float32Array) -> Float64Array:
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for some in chunks(len(rows)):
        part = rows[some].astype(np.float64)
        total += part.T @ part
    return total
