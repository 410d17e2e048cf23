"""Hyperparameters that follow from the shape of the interactions: the `auto` of implicit ALS."""

from __future__ import annotations

import math

import numpy as np

from recsys.core.types import Counts

UNOBSERVED = 8.0  # weight of all pairs together, in weights of all interactions
NOISE = 0.85
LEAST_DIM, MOST_DIM, STEP = 128, 512, 64
ITEMS = 5_000  # from so many on, the dim grows with them


def auto_embedding_dim(n_items: int) -> int:
    """128 for up to 5,000 items, then in proportion to their number, in steps of 64 up to 512.

    Args:
        n_items: those that have interactions.
    """
    dim = STEP * round(LEAST_DIM * n_items / ITEMS / STEP)
    return min(max(dim, LEAST_DIM), MOST_DIM)


def auto_unobserved_weight(user_counts: Counts, item_counts: Counts) -> float:
    """α₀ = ρ |S| / (U·I), ρ = 8: the weight of each pair, so that all weigh eight times as much as the interactions.

    U and I count the users and items that have interactions.

    Args:
        user_counts: interactions of each user, int64, shape (n_users,).
        item_counts: of each item, int64, shape (n_items,).
    """
    return UNOBSERVED * float(user_counts.sum()) / _n_pairs(user_counts, item_counts)


def auto_regularization(user_counts: Counts, item_counts: Counts, unobserved_weight: float) -> float:
    """λ = 0.85 / ((1 + ρ) (n̄_u n̄_i)^¼): what the noise of a sparse 0/1 matrix is against its signal.

    n̄_u and n̄_i are the mean interactions of users and items that have any; ρ = α₀·U·I / |S|.

    Args:
        user_counts: as above.
        item_counts: as above.
        unobserved_weight: α₀.
    """
    n = float(user_counts.sum())
    rho = unobserved_weight * _n_pairs(user_counts, item_counts) / n
    return NOISE / ((1 + rho) * math.sqrt(n / math.sqrt(_n_pairs(user_counts, item_counts))))


def _n_pairs(user_counts: Counts, item_counts: Counts) -> float:
    return float(np.count_nonzero(user_counts)) * float(np.count_nonzero(item_counts))
