"""How much of a difference is chance: resampled groups of ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array

N_RESAMPLES = 1000
SEED = 42  # the same ratings always get the same interval


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
    totals = np.empty((n_resamples, sums.shape[1]))
    for number in range(n_resamples):
        drawn = rng(SEED, "bootstrap", number).integers(n_groups, size=n_groups)
        totals[number] = np.bincount(drawn, minlength=n_groups) @ sums
    return totals


def interval(draws: Array, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of the draws, shape (n,)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
