"""Rows of users whom implicit ALS was not fitted to, from a few interactions; and of new items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from recsys.core.layout import FACTOR
from recsys.core.types import Float32Array, Float64Array, Indices, Int64Array
from recsys.scoring.implicit.moments import Moments

FEW = 3.0  # from more interactions than these on, users without one are taken to avoid an item rather than not know it
MANY = 100.0  # from more interactions than these on, they count more than what is expected of a user who has them

Solve: TypeAlias = Callable[[Int64Array, Indices, Float32Array, "Float64Array | None"], Float32Array]
"""start, index of the other side and target of interactions, and centers → rows, see UserRows.solve."""


@dataclass(frozen=True, eq=False)
class FixedSide:
    """The rows that new ones are solved against: of all items for new users, of all users for new items.

    Attributes:
        rows: h, float32, shape (n, dim).
        n_known: how many of them have interactions; the rows of the others are zeros.
        gramian: Σ h hᵀ, shape (dim, dim).
        unobserved_weight: α₀.
        regularization: λ.
    """

    rows: Float32Array
    n_known: int
    gramian: Float64Array
    unobserved_weight: float
    regularization: float

    def closest(
        self, center: Float64Array, idx: Indices, target: Float32Array, seen: float, pull: float
    ) -> Float64Array:
        """The minimum of Σ (y − w·h)² + f α₀ Σ_all (w·h)² + p λ (n + f α₀·n_known)|w − center|², f = seen, p = pull.

        Args:
            center: shape (dim,).
            idx: of the n interactions, int32.
            target: y of each, float32, shape (n,).
        """
        unobserved = seen * self.unobserved_weight
        met = self.rows[idx].astype(np.float64)
        shared = unobserved * self.gramian
        penalty = pull * self.regularization * (len(idx) + unobserved * self.n_known)
        matrix = met.T @ met + shared + penalty * np.eye(len(center))
        gradient = met.T @ (target - met @ center) - shared @ center
        return center + np.asarray(np.linalg.solve(matrix, gradient), np.float64)


@dataclass(frozen=True, eq=False)
class UserRows:
    """Solves rows of new users.

    Attributes:
        items: the rows of all items.
        mean_user: w̄, the mean of the rows of the users who have interactions, shape (dim,).
        moments: how users' rows go with those of their items.
    """

    items: FixedSide
    mean_user: Float64Array
    moments: Moments

    def solve(
        self, start: Int64Array, item_idx: Indices, target: Float32Array, centers: Float64Array | None = None
    ) -> Float32Array:
        """Rows that lie between what is expected of a user with such interactions and what fits these.

        The row w of a user with n interactions is the minimum of

            Σ (y − w·h)² + α₀ Σ_all (w·h)² + λ (1 + 100 / n) (n + α₀·I)|w − ŵ|²        ŵ = w̄ + K Σ (y·h − mean_item)

        with ŵ the best linear estimate of the row, see Moments.gain; without interactions it is w̄, the mean user. The
        few interactions of a visitor are not all that they would have, so items that they have not met say little.

        Args:
            start: int64, shape (n_users + 1,); user u has the interactions start[u] … start[u + 1] − 1.
            item_idx: int32, shape (n,), the item of each.
            target: y of each, float32, shape (n,).
            centers: in place of w̄, the row that the features of each tell, shape (n_users, dim).
        Returns:
            float32, shape (n_users, dim).
        """
        gain = cache(self.moments.gain)

        def row(idx: Indices, y: Float32Array, center: Float64Array) -> Float64Array:
            n = len(idx)
            if n == 0:
                return center
            estimate = center + gain(n) @ (y @ self.items.rows[idx] - n * self.moments.mean_item)
            return self.items.closest(estimate, idx, y, seen=1.0, pull=1 + MANY / n)

        return _one_by_one(row, start, item_idx, target, _rows_of(centers, self.mean_user, len(start) - 1))


@dataclass(frozen=True, eq=False)
class ItemRows:
    """Solves rows of new items.

    Attributes:
        users: the rows of all users.
        mean_item: the mean of the rows of the items that have interactions, shape (dim,).
    """

    users: FixedSide
    mean_item: Float64Array

    def solve(
        self, start: Int64Array, user_idx: Indices, target: Float32Array, centers: Float64Array | None = None
    ) -> Float32Array:
        """Rows that lie between the mean item and what the interactions say.

        The row h of an item with n interactions is the minimum of

            Σ (y − w·h)² + f α₀ Σ_all (w·h)² + λ (n + f α₀·U)|h − h̄|²        f = n / (n + 3)

        with h̄ the mean item, which is also the row of an item without interactions. Other than those of a visitor, an
        item's interactions are all that it has, and their number says how popular it is.

        Args, Returns: as UserRows.solve, with users and items exchanged.
        """

        def row(idx: Indices, y: Float32Array, center: Float64Array) -> Float64Array:
            n = len(idx)
            return center if n == 0 else self.users.closest(center, idx, y, n / (n + FEW), 1.0)

        return _one_by_one(row, start, user_idx, target, _rows_of(centers, self.mean_item, len(start) - 1))


def _rows_of(centers: Float64Array | None, mean: Float64Array, n: int) -> Float64Array:
    return np.broadcast_to(mean, (n, len(mean))) if centers is None else centers


def _one_by_one(
    row: Callable[[Indices, Float32Array, Float64Array], Float64Array],
    start: Int64Array,
    idx: Indices,
    target: Float32Array,
    centers: Float64Array,
) -> Float32Array:
    spans = zip(pairwise(start), centers, strict=True)
    rows = [row(idx[begin:end], target[begin:end], center) for (begin, end), center in spans]
    solved = np.array(rows, np.float64).reshape(centers.shape)
    return solved.clip(-FACTOR, FACTOR).astype(np.float32)  # their products are finite whatever they come from
