"""Whose ratings are hard to predict, as training tells it: how far they lie from their biases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, Indices
from recsys.data.chunks import chunks
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.metrics import errors

N_PASSES = 2  # over users and items in turn; more move no share by 1%


@dataclass(frozen=True, eq=False)
class ResidualVariance:
    """The variance of ratings about what biases alone predict: user[u] · item[i].

    The last user and the last item stand for whoever is unknown, so that index −1 finds them.

    Attributes:
        user: in squared rating units, float32, shape (n_users + 1,).
        item: relative to the mean item, float32, shape (n_items + 1,).
    """

    user: Array
    item: Array

    def variance(self, user_idx: Indices, item_idx: Indices) -> Array:
        """Of ratings of the pairs, float32, shape (n,)."""
        return np.asarray(self.user[user_idx] * self.item[item_idx])


def residual_variance_of(train: Interactions) -> ResidualVariance:
    """The spread of each user's and each item's ratings about their biases, drawn towards that of all.

    A fitted model's own training errors would not tell: it has learned them, most of all those of who rated little.

    Args:
        train: at least one row, all of known users and items.
    """
    biases = baselines.biases(train)
    squares = np.empty(len(train), dtype=np.float32)
    for rows in chunks(len(train)):
        squares[rows] = np.square(errors(biases, train.take(rows)))
    user, item = np.ones(len(train.users)), np.ones(len(train.items))
    for _ in range(N_PASSES):
        user = _shares(squares, train.user_idx, len(user), train.item_idx, item)
        item = _shares(squares, train.item_idx, len(item), train.user_idx, user)
    mean = float(squares.mean(dtype=np.float64))
    return ResidualVariance(np.append(mean * user, mean).astype(np.float32), np.append(item, 1).astype(np.float32))


def _shares(squares: Array, idx: Indices, n: int, other_idx: Indices, other: Array) -> Array:
    """How much larger than on average each user's squares are, given the same of items (or the reverse): credibility.

    With x = squares / other, of mean m: (k · m + Σ x) / (k + n_ratings) / m, where k is the variance of x within
    users over that between the users' true means, and at least 1, so that no share is 0. Where users differ by no
    more than chance, all shares are 1.

    Source: Bühlmann & Straub 1970, "Glaubwürdigkeit für Schadensätze".
    """
    counts, sums, total_square = np.zeros(n), np.zeros(n), 0.0
    for rows in chunks(len(squares)):
        x = squares[rows] / other[other_idx[rows]]
        counts += np.bincount(idx[rows], minlength=n)
        sums += np.bincount(idx[rows], x, minlength=n)
        total_square += float(np.sum(x * x))  # not x @ x, whose last bits depend on the number of threads
    n_users, n_ratings = np.count_nonzero(counts), len(squares)
    mean = sums.sum() / n_ratings
    if not mean or n_users in (1, n_ratings):
        return np.ones(n)
    means = sums / np.maximum(counts, 1)
    within = (total_square - np.sum(sums * means)) / (n_ratings - n_users)
    between = np.sum(counts * np.square(means - mean)) - (n_users - 1) * within
    if between <= 0:
        return np.ones(n)
    weight = max(within * (n_ratings - np.sum(counts * counts) / n_ratings) / between, 1.0)
    return np.asarray((weight * mean + sums) / (weight + counts) / mean)
