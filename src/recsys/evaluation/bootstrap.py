"""How much of a difference is chance: resampled groups of ratings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array, Json

N_RESAMPLES = 1000
SEED = 42  # the same ratings always get the same interval
LEVEL = 0.95
MOST_KEPT = 1 << 20  # counts: 4 MB


@dataclass(frozen=True)
class Difference:
    """A metric less that of something else on the same interactions, and its interval."""

    value: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {"value": self.value, "low": self.low, "high": self.high, "is_real": self.is_real}


@dataclass(frozen=True, eq=False)
class PairedMetrics:
    """Metrics of several scorers on the same interactions.

    Attributes:
        measured: name → of each scorer, shape (n_scorers,).
        drawn: name → of each scorer on each resample of users, shape (n_resamples, n_scorers).
        n_users: that are drawn from.
        n_interactions: that are measured.
    """

    measured: dict[str, Array]
    drawn: dict[str, Array]
    n_users: int
    n_interactions: int

    def difference(self, metric: str, scorer: int, level: float = LEVEL) -> Difference:
        """Of a scorer, by its number, to the first one."""
        values, drawn = self.measured[metric], self.drawn[metric]
        low, high = interval(drawn[:, scorer] - drawn[:, 0], level)
        return Difference(float(values[scorer] - values[0]), low, high)


def resampled(sums: Array, n_resamples: int = N_RESAMPLES) -> Array:
    """Totals of as many groups as there are, drawn with replacement, again and again.

    A user's ratings are not independent of each other, so users are drawn, not ratings; all columns of a group go
    together, which makes what is computed from them paired.

    Args:
        sums: of each group (such as a user), shape (n_groups, n_columns).
    Returns:
        float64, shape (n_resamples, n_columns).
    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap"; Field and Welsh 2007, "Bootstrapping
    clustered data".
    """
    n_groups = len(sums)
    draw = _kept_counts if n_groups * n_resamples <= MOST_KEPT else _counts
    totals = np.empty((n_resamples, sums.shape[1]))
    for number, counts in enumerate(draw(n_groups, n_resamples)):
        totals[number] = counts @ sums  # one at a time: all at once would be rounded otherwise
    return totals


def _counts(n_groups: int, n_resamples: int) -> Iterator[Array]:
    """How often each group is drawn, for each of the resamples."""
    for number in range(n_resamples):
        drawn = rng(SEED, "bootstrap", number).integers(n_groups, size=n_groups)
        yield np.bincount(drawn, minlength=n_groups)


@lru_cache(maxsize=8)
def _kept_counts(n_groups: int, n_resamples: int) -> Array:
    """The same, shape (n_resamples, n_groups): for few groups, to draw them takes ten times as long as to add up."""
    return np.array(list(_counts(n_groups, n_resamples)), dtype=np.int32)


def interval(draws: Array, level: float = LEVEL) -> tuple[float, float]:
    """The middle `level` of the draws, shape (n,)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
