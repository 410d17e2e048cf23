"""How a user's bias moves: Ornstein-Uhlenbeck paths between the moments at which the user rated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsys.core.types import Float32Array, Float64Array, Indices, Int64Array

CHUNK = 4_096  # pairs at once: what is computed of them fits a core's cache


@dataclass(frozen=True, eq=False)
class Drift:
    """The drift of user u at time t is Σ_k x_uk(t); x_uk is a stationary Gaussian process with mean 0 and covariance

        scale[u]² · variance[k] · exp(−|t − t'| / length[k])

    of which the mean and the spread are known at the moments when u rated. Between two moments, at the distances a and
    b, with ρ = exp(−distance / length), the mean is the bridge

        (ρ_a (1 − ρ_b²) x_a + ρ_b (1 − ρ_a²) x_b) / (1 − ρ_a² ρ_b²)

    after the last moment it decays as ρ_a x_a, and before the first one likewise.

    Attributes:
        start: int64, shape (n_users + 2,); user u has the moments start[u] … start[u + 1] − 1; the last stands for
            whoever is unknown, and has none.
        time: of each moment, rising within a user, float64, shape (n_moments,), seconds.
        mean: of each path, float32, shape (n_moments, n_paths), in rating units.
        extra: what the drift adds at each moment to the variance of the user's mean prediction, float32, shape
            (n_moments,), in squared rating units; below 0 where that at the moment is better known than that over all.
        length: float64, shape (n_paths,), seconds.
        variance: float64, shape (n_paths,), in squared rating units.
        scale: how much each user's bias moves, 1 as a rule, float32, shape (n_users + 1,).
    """

    start: Int64Array
    time: Float64Array
    mean: Float32Array
    extra: Float32Array
    length: Float64Array
    variance: Float64Array
    scale: Float32Array

    def at(self, user_idx: Indices, timestamp: Float64Array) -> tuple[Float32Array, Float32Array]:
        """Means of the drifts, and what they add to the variance of a prediction, float32, shapes (n,); index −1 is an
        unknown user.

        The latter is the variance of the bridge, which is exact, and the share of `extra` that the bridge's weights
        leave, which takes the errors at two neighbouring moments as alike: they are where the paths have not forgotten
        the one at the other.
        """
        values = np.empty((2, len(user_idx)), dtype=np.float32)
        for start in range(0, len(user_idx), CHUNK):
            rows = slice(start, start + CHUNK)
            values[:, rows] = self._at(user_idx[rows], timestamp[rows])
        return values[0], values[1]

    def at_no_time(self, user_idx: Indices) -> Float32Array:
        """What drifts of which no time is given add to the variance, float32, shape (n,); their mean is 0."""
        return np.asarray(np.square(self.scale[user_idx]) * np.float32(self.variance.sum()))

    def with_users(self, old_of: Indices) -> Drift:
        """The same on longer users, in which those known keep their order; `old_of` is −1 for a new one."""
        n_moments = np.diff(self.start)[old_of]  # of −1: of whoever is unknown, none
        start = np.concatenate([[0], np.cumsum(n_moments), [len(self.time)]])
        return replace(self, start=start, scale=self.scale[np.append(old_of, -1)])

    def _at(self, user_idx: Indices, timestamp: Float64Array) -> tuple[Float64Array, Float64Array]:
        user = np.where(user_idx < 0, len(self.start) - 2, user_idx)
        first, end = self.start[user], self.start[user + 1]
        after = self._first_after(first, end, timestamp)
        (mean_a, extra_a, gap_a), (mean_b, extra_b, gap_b) = (
            self._neighbour(after - 1, after > first, timestamp),
            self._neighbour(after, after < end, timestamp),
        )
        rho_a, rho_b = (np.exp(-gap / self.length) for gap in (gap_a, gap_b))
        fresh_a, fresh_b, fresh = (-np.expm1(-2 * gap / self.length) for gap in (gap_a, gap_b, gap_a + gap_b))
        of_a, of_b = rho_a * fresh_b / fresh, rho_b * fresh_a / fresh
        share = self.variance / self.variance.sum()
        between = np.square(self.scale[user]) * ((fresh_a * fresh_b / fresh) @ self.variance)
        variance = between + (of_a @ share) * extra_a + (of_b @ share) * extra_b
        return (of_a * mean_a + of_b * mean_b).sum(axis=1), variance

    def _first_after(self, first: Int64Array, end: Int64Array, timestamp: Float64Array) -> Int64Array:
        """The first of the moments first … end − 1 that is later; `end` where none is."""
        low, high = first.copy(), end.copy()
        while (open_ := low < high).any():
            middle = (low + high) // 2
            earlier = open_ & (self.time[np.minimum(middle, len(self.time) - 1)] <= timestamp)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        return low

    def _neighbour(
        self, moment: Int64Array, is_there: Any, timestamp: Float64Array
    ) -> tuple[Float32Array, Float32Array, Float64Array]:
        """Means and `extra` at a moment, and its distance, shape (n, 1); infinitely far where there is none."""
        at = np.where(is_there, moment, 0)
        gap = np.where(is_there, np.abs(self.time[at] - timestamp), np.inf)
        return self.mean[at], self.extra[at], gap[:, None]
