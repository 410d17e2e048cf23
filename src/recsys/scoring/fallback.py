"""What stands for whoever is unknown."""

from __future__ import annotations

import numpy as np

from recsys.core.types import BoolArray, Float32Array


def with_fallback(rows: Float32Array, has_ratings: BoolArray) -> Float32Array:
    """`rows`, shape (n,) or (n, dim), and one more for an unknown id: the mean of those with ratings.

    A row without ratings has learned nothing, and is served as that mean too. Each row counts once: weighting by
    ratings would describe the popular; who or what is unknown is more like the rare (docs/experiments/unknown-ids.md).

    Args:
        has_ratings: bool, shape (n,), True for at least one row.
    """
    mean = learned_rows(rows, has_ratings).mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    return followed_by(mean, rows, has_ratings)


def learned_rows(rows: Float32Array, has_ratings: BoolArray) -> Float32Array:
    """The rows that have ratings."""
    return rows if has_ratings.all() else rows[has_ratings]


def followed_by(mean: Float32Array, rows: Float32Array, has_ratings: BoolArray) -> Float32Array:
    """The rows as they are served, and behind them one for an unknown id, where this is their mean, shape (1, …)."""
    served = np.concatenate([rows, mean])
    served[:-1][~has_ratings] = mean
    return served
