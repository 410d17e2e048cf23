"""What an item's score would be if users had no tastes."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Counts, Float32Array


def popularity(counts: Counts, n_known_users: int, unobserved_weight: float) -> Float32Array:
    """b_i = n_i / (n_i + α₀·U), the minimum of Σ (1 − b_i)² over interactions + α₀ Σ b_i² over all pairs.

    Args:
        counts: n_i, the interactions of each item, int64, shape (n,).
        n_known_users: U, the users who have interactions.
        unobserved_weight: α₀.
    Returns:
        float32, shape (n,), from 0 to below 1.
    """
    return np.asarray(counts / (counts + unobserved_weight * n_known_users), np.float32)
