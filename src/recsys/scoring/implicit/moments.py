"""What a few interactions say of a user's row, learned from the rows of those who have many."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recsys.core.types import Float32Array, Float64Array
from recsys.data.grouped import GroupedView

USERS, INTERACTIONS = 20_000, 1 << 20  # of more than twice as many, evenly spaced users stand for all
BLOCK = 1 << 14  # items at once
RIDGE = 1e-3  # of the mean variance: few users do not span all directions


@dataclass(frozen=True, eq=False)
class Moments:
    """How users' rows w go with the rows h of their items; m is the mean of h over the items of a user.

    Attributes:
        mean_item: mean of m over users, float64, shape (dim,).
        within: covariance of h among the items of a user, its mean over users, float64, shape (dim, dim).
        between: covariance of m over users, likewise.
        cross: covariance of w with m over users, likewise; w goes along rows.
    """

    mean_item: Float64Array
    within: Float64Array
    between: Float64Array
    cross: Float64Array

    @classmethod
    def of(cls, users: Float32Array, items: Float32Array, seen: GroupedView) -> Moments:
        """Those of fitted rows; users without interactions do not count.

        Args:
            users, items: float32, shapes (n_users, dim) and (n_items, dim).
            seen: their interactions by user.
        """
        some = np.flatnonzero(seen.counts).astype(np.int32)
        some = some[:: max(1, len(some) // USERS, len(seen.other_idx) // INTERACTIONS)]
        counts = seen.counts[some]
        owner, met = seen.pairs(some)
        weights = np.bincount(met, 1 / counts[owner], len(items))
        spans = pairwise([0, *np.cumsum(counts).tolist()])
        means = np.array([items[met[begin:end]].mean(axis=0, dtype=np.float64) for begin, end in spans])
        mean_item, rows = means.mean(axis=0), users[some].astype(np.float64)
        within = _second_moment(items, weights / len(some)) - means.T @ means / len(some)
        means -= mean_item
        return cls(mean_item, within, means.T @ means / len(some), (rows - rows.mean(axis=0)).T @ means / len(some))

    def gain(self, n: int) -> Float64Array:
        """K such that w̄ + K Σ (h − mean_item), over n interactions of a user, is the best linear estimate of w.

        K = cross (within + n · between)⁻¹, shape (dim, dim).

        Source: Bühlmann 1967, "Experience Rating and Credibility" (ASTIN Bulletin 4).
        """
        dim = len(self.mean_item)
        variance = float(np.trace(self.within) + np.trace(self.between)) / dim
        ridge = RIDGE * variance + np.finfo(np.float64).tiny  # solvable even where all rows are zeros
        matrix = self.within + n * self.between + ridge * np.eye(dim)
        return np.asarray(np.linalg.solve(matrix, self.cross.T).T, np.float64)


def _second_moment(items: Float32Array, weights: Float64Array) -> Float64Array:
    total = np.zeros((items.shape[1], items.shape[1]))
    for begin in range(0, len(items), BLOCK):
        rows = items[begin : begin + BLOCK].astype(np.float64)
        total += (rows * weights[begin : begin + BLOCK, None]).T @ rows
    return total
