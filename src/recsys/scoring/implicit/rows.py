"""Rows of users whom implicit ALS was not fitted to, from a few interactions; and of items, in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recsys.core.types import Float32Array, Float64Array, Indices, Int64Array

FEW = 3.0  # from more interactions than these on, items without one are taken to be avoided rather than unknown


@dataclass(frozen=True, eq=False)
class RowSolver:
    """Solves rows of new users; with the names exchanged, of new items.

    Attributes:
        items: rows h of all items, float32, shape (n_items, dim).
        n_known: I, how many of the items have interactions; the rows of the others are zeros.
        gramian: Σ h hᵀ, shape (dim, dim).
        mean_user: mean of the rows of the users who have interactions, shape (dim,).
        unobserved_weight: α₀.
        regularization: λ.
    """

    items: Float32Array
    n_known: int
    gramian: Float64Array
    mean_user: Float64Array
    unobserved_weight: float
    regularization: float

    def solve(self, start: Int64Array, item_idx: Indices, target: Float32Array) -> Float32Array:
        """Rows that lie between the mean user and what the interactions say.

        The row w of a user with n interactions is the minimum of

            Σ (y − w·h)² + f α₀ Σ_all (w·h)² + λ (n + f α₀·I)|w − w̄|²        f = n / (n + 3)

        with w̄ the mean user, which is also the row of a user without interactions.

        Args:
            start: int64, shape (n_users + 1,); user u has the interactions start[u] … start[u + 1] − 1.
            item_idx: int32, shape (n,), the item of each.
            target: y of each, float32, shape (n,).
        Returns:
            float32, shape (n_users, dim).
        """
        rows = [self._row(item_idx[begin:end], target[begin:end]) for begin, end in pairwise(start)]
        return np.array(rows, np.float32).reshape(len(start) - 1, len(self.mean_user))

    def _row(self, item_idx: Indices, target: Float32Array) -> Float64Array:
        n, mean = len(item_idx), self.mean_user
        if n == 0:
            return mean
        unobserved = self.unobserved_weight * n / (n + FEW)
        met = self.items[item_idx].astype(np.float64)
        shared = unobserved * self.gramian
        penalty = self.regularization * (n + unobserved * self.n_known)
        matrix = met.T @ met + shared + penalty * np.eye(len(mean))
        return mean + np.asarray(np.linalg.solve(matrix, met.T @ (target - met @ mean) - shared @ mean), np.float64)
