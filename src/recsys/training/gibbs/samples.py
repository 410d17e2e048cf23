"""The samples that a chain keeps: evenly spread over the sweeps that count, for intervals and for what is served."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recsys.core.types import Array, Arrays
from recsys.scoring.uncertainty import Samples
from recsys.training.gibbs.state import FactorState

ROLES = ("user", "item")


@dataclass(eq=False)
class PosteriorSamples:
    """Samples so far, turned so that they lie alike, and sums of the noise over all sweeps that count.

    Attributes:
        rows: role → a sample each, float16, shape (n + 1, dim + 1); the last row is one drawn for whoever is unknown.
        counts: role → ratings of each, int64, shape (n,).
        squares: role → Σ α Σ w e², over the sweeps and over the ratings of each, float64, shape (n,).
        chain: Σ 1 / α and the number of sweeps that count, float64, shape (2,).
    """

    counts: dict[str, Array]
    squares: dict[str, Array]
    rows: dict[str, list[Array]] = field(default_factory=lambda: {role: [] for role in ROLES})
    chain: Array = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def of(cls, counts: dict[str, Array]) -> PosteriorSamples:
        """Before the first."""
        return cls(counts, {role: np.zeros(len(count)) for role, count in counts.items()})

    def count(self, sides: dict[str, FactorState], alpha: float) -> None:
        """Adds the noise of a sweep."""
        for role, side in sides.items():
            self.squares[role] += alpha * side.squares.astype(np.float64)
        self.chain += (1 / alpha, 1)

    def keep(self, sides: dict[str, FactorState], turn: Array, random: np.random.Generator) -> None:
        """Keeps a sample, its rows times `turn`."""
        for role, side in sides.items():
            normal = random.standard_normal(side.row.shape[1])
            unknown = side.prior.mean + normal / np.sqrt(side.prior.precision)
            self.rows[role].append((np.vstack([side.row, unknown]) @ turn).astype(np.float16))

    def noise(self, role: str) -> Array:
        """How the variance of each one's ratings compares to that of all, float64, shape (n,)."""
        return credible(self.squares[role] / max(self.chain[1], 1), self.counts[role])

    def arrays(self) -> Arrays:
        """As they lie in a checkpoint."""
        squares = {f"{role}.noise_squares": self.squares[role] for role in ROLES}
        stacked = {f"{role}.kept": np.stack(self.rows[role]) for role in ROLES if self.rows[role]}
        return {**squares, **stacked, "kept": self.chain}

    def restore(self, arrays: Arrays) -> None:
        """Takes them back."""
        self.squares = {role: arrays[f"{role}.noise_squares"].copy() for role in ROLES}
        self.rows = {role: list(arrays.get(f"{role}.kept", ())) for role in ROLES}
        self.chain = arrays["kept"].copy()

    def samples(self, unit: float) -> Samples | None:
        """In rating units; None before the second sample."""
        if len(self.rows["user"]) < 2:
            return None
        n = self.chain[1]
        noise = {
            role: np.append(noise_of_role, noise_of_role.mean())
            for role, noise_of_role in ((role, self.noise(role)) for role in ROLES)
        }
        return Samples(
            unit=unit,
            noise=float(self.chain[0] / n),
            user_rows=np.stack(self.rows["user"]),
            item_rows=np.stack(self.rows["item"]),
            user_noise=noise["user"].astype(np.float32),
            item_noise=noise["item"].astype(np.float32),
        )


def credible(squares: Array, counts: Array) -> Array:
    """The variance of each user's errors, drawn towards the mean m of all squares: (k m + squares) / (k + counts).

    k is the variance of a squared normal error over that of the users' true variances, at least 1. The prior of the
    sampler's own noise precisions draws them further: that gives better means, and intervals that are too much alike.

    Args:
        squares: sums of squared errors, about as many as ratings, float64, shape (n,).
        counts: ratings of each, shape (n,).
    Source: Bühlmann & Straub 1970, "Glaubwürdigkeit für Schadensätze".
    """
    n_ratings, n_users = counts.sum(), np.count_nonzero(counts)
    mean = squares.sum() / n_ratings
    if not mean:
        return np.ones(len(counts))  # before the first sweep
    each = squares / np.maximum(counts, 1) / mean
    between = np.sum(counts * np.square(each - 1)) - 2 * n_users
    between /= n_ratings - np.sum(np.square(counts, dtype=np.float64)) / n_ratings + 2 * n_users
    if between <= 0:
        return np.full(len(counts), mean)
    k = max(2 / between, 1.0)
    return np.asarray((k + each * counts) / (k + counts) * mean)


def is_kept(sweep: int, n_sweeps: int, n_kept: int) -> bool:
    """Whether to keep the sample of a sweep, 1 … n_sweeps, so that `n_kept` (at most all) are spread evenly."""
    most = min(n_kept, n_sweeps)
    return sweep * most // n_sweeps > (sweep - 1) * most // n_sweeps
