"""What needs no learning: a model has to beat these to be worth its time."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.data.ratings import Ratings
from recsys.scoring.factors import Array, Factors, Link

DAMPING = 5.0  # ratings at the mean that each user and item is given in advance; LensKit's default


def global_mean(train: Ratings) -> Factors:
    """Every rating is predicted as the mean of the training ratings."""
    return _bias_only(train, np.zeros(len(train.users)), np.zeros(len(train.items)))


def biases(train: Ratings, damping: float = DAMPING) -> Factors:
    """Damped means: b_i = Σ_u (r_ui − μ) / (n_i + damping), then b_u = Σ_i (r_ui − μ − b_i) / (n_u + damping).

    Predictions are μ + b_u + b_i, clipped to the scale seen in training. An unknown user or item has bias 0.

    Source: Funk 2006, "Netflix Update: Try This at Home"; Ekstrand et al. 2011, "Rethinking the Recommender
    Research Ecosystem" (LensKit).
    """
    rest = train.rating - train.scale.mean
    item_bias = _damped_means(train.item_idx, rest, len(train.items), damping)
    rest -= item_bias[train.item_idx]
    return _bias_only(train, _damped_means(train.user_idx, rest, len(train.users), damping), item_bias)


def _damped_means(
    idx: np.ndarray[Any, Any], values: np.ndarray[Any, Any], n: int, damping: float
) -> np.ndarray[Any, Any]:
    return np.bincount(idx, values, minlength=n) / (np.bincount(idx, minlength=n) + damping)


def _bias_only(train: Ratings, user_bias: np.ndarray[Any, Any], item_bias: np.ndarray[Any, Any]) -> Factors:
    scale = train.scale
    return Factors(
        global_mean=scale.mean,
        user_bias=_and_zero(user_bias),
        item_bias=_and_zero(item_bias),
        user_factors=np.zeros((len(user_bias) + 1, 0), dtype=np.float32),
        item_factors=np.zeros((len(item_bias) + 1, 0), dtype=np.float32),
        link=Link("clip", scale.low, scale.high),
    )


def _and_zero(rows: np.ndarray[Any, Any]) -> Array:
    return np.append(rows, 0.0).astype(np.float32)
