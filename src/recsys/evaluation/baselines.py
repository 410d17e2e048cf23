"""What needs no learning: a model has to beat these to be worth its time."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array, Float32Array
from recsys.data.chunks import chunks
from recsys.data.interactions import Interactions
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link

DAMPING = 5.0  # ratings at the mean that each user and item is given in advance; LensKit's default


def global_mean(train: Interactions) -> Factors:
    """Every rating is predicted as the mean of the training ratings; rows without a rating do not count."""
    train = train.rated()
    return _bias_only(train, np.zeros(len(train.users)), np.zeros(len(train.items)))


def biases(train: Interactions, damping: float = DAMPING) -> Factors:
    """Damped means: b_i = Σ_u (r_ui − μ) / (n_i + damping), then b_u = Σ_i (r_ui − μ − b_i) / (n_u + damping).

    Predictions are μ + b_u + b_i, clipped to the scale seen in training. An unknown user or item has bias 0. Rows
    without a rating do not count.

    Source: Funk 2006, "Netflix Update: Try This at Home"; Ekstrand et al. 2011, "Rethinking the Recommender
    Research Ecosystem" (LensKit).
    """
    train = train.rated()
    mean = train.scale.mean
    item_sums, user_sums = np.zeros(len(train.items)), np.zeros(len(train.users))
    for rows in chunks(len(train)):
        item_idx, rest = train.item_idx[rows], (train.rating[rows] - mean).astype(np.float64)
        item_sums += np.bincount(item_idx, rest, minlength=len(item_sums))
    item_bias = item_sums / (train.item_counts + damping)
    for rows in chunks(len(train)):
        user_idx, item_idx = train.user_idx[rows], train.item_idx[rows]
        rest = item_bias[item_idx]
        np.subtract(train.rating[rows] - mean, rest, out=rest)
        user_sums += np.bincount(user_idx, rest, minlength=len(user_sums))
    return _bias_only(train, user_sums / (train.user_counts + damping), item_bias)


def most_popular(train: Interactions) -> Factors:
    """Every user gets the items with the most interactions; the score is their number. It predicts no ratings."""
    return Factors(
        global_mean=0.0,
        user_bias=np.zeros(len(train.users) + 1, dtype=np.float32),
        item_bias=_and_zero(train.item_counts),
        user_factors=np.zeros((len(train.users) + 1, 0), dtype=np.float32),
        item_factors=np.zeros((len(train.items) + 1, 0), dtype=np.float32),
        link=Link("identity", 0.0, 0.0),
    )


def _bias_only(train: Interactions, user_bias: Array, item_bias: Array) -> Factors:
    scale = train.scale
    return Factors(
        global_mean=scale.mean,
        user_bias=_and_zero(user_bias),
        item_bias=_and_zero(item_bias),
        user_factors=np.zeros((len(user_bias) + 1, 0), dtype=np.float32),
        item_factors=np.zeros((len(item_bias) + 1, 0), dtype=np.float32),
        link=Link("clip", scale.low, scale.high),
    )


def _and_zero(rows: Array) -> Float32Array:
    return np.append(rows, 0.0).astype(np.float32)
