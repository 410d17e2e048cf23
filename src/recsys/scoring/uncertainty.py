"""How far a rating may lie from its prediction, by samples of the model: in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.data.vocabulary import UNKNOWN, Indices
from recsys.scoring.factors import Array

Halves = np.ndarray[Any, np.dtype[np.float16]]
Flags = np.ndarray[Any, np.dtype[np.uint8]]
CHUNK = 1024  # pairs at once: their rows in all samples fit a core's cache


@dataclass(frozen=True, eq=False)
class Samples:
    """variance of a rating = unit² · (noise · user_noise[u] · item_noise[i] + variance of B_u + B_i + P_u · Q_i).

    The second part is taken over the samples. The last row of each array stands for whoever is unknown. It is the mean
    of the known rows, and since an unknown user may be any of them, their covariance C in that sample comes on top:
    (Q_i, 1)ᵀ C (Q_i, 1), likewise for an item, and the trace of the product of both where both are unknown.

    Attributes:
        unit: standard deviation of the training ratings, which the rest is measured in.
        noise: mean of 1/α over the sweeps after the burn-in.
        user_rows, item_rows: float16, shapes (n_users + 1, n_samples, dim + 1) and (n_items + 1, n_samples, dim + 1):
            factors, and in the last column the bias. Half precision moves a std by less than 0.1%.
        user_noise, item_noise: means of 1/w, float32, shapes (n_users + 1,) and (n_items + 1,).
        user_spread, item_spread: C, float32, shape (n_samples, dim + 1, dim + 1).
        user_is_mean, item_is_mean: uint8, shapes (n_users + 1,) and (n_items + 1,): 1 where the row is the mean of
            the known ones, as the last is.
    """

    unit: float
    noise: float
    user_rows: Halves
    item_rows: Halves
    user_noise: Array
    item_noise: Array
    user_spread: Array
    item_spread: Array
    user_is_mean: Flags
    item_is_mean: Flags

    def std(self, user_idx: Indices, item_idx: Indices) -> Array:
        """Standard deviations of the pairs' ratings, in rating units, float32, shape (n,); −1 is an unknown id."""
        std = np.empty(len(user_idx), dtype=np.float32)
        for start in range(0, len(std), CHUNK):
            rows = slice(start, start + CHUNK)
            user, item = user_idx[rows], item_idx[rows]
            noise = np.float32(self.noise) * self.user_noise[user] * self.item_noise[item]
            std[rows] = np.float32(self.unit) * np.sqrt(noise + self._spread(user, item))
        return std

    def _spread(self, user_idx: Indices, item_idx: Indices) -> Array:
        """The variance of the predictions over the samples and over whom an unknown id may stand for, shape (n,)."""
        users = np.asarray(self.user_rows[user_idx], dtype=np.float32)
        items = np.asarray(self.item_rows[item_idx], dtype=np.float32)
        predicted = np.einsum("nkf,nkf->nk", users[..., :-1], items[..., :-1]) + users[..., -1] + items[..., -1]
        variance: Array = predicted.var(axis=1, ddof=1)
        new_user, new_item = self.user_is_mean[user_idx] == 1, self.item_is_mean[item_idx] == 1
        variance[new_user] += _mean_form(self.user_spread, items[new_user])
        variance[new_item] += _mean_form(self.item_spread, users[new_item])
        factors = self.user_spread[:, :-1, :-1] * self.item_spread[:, :-1, :-1]  # both are symmetric
        variance[new_user & new_item] += factors.sum(axis=(1, 2)).mean()
        return variance


def stand_in(rows: Halves, noise: Array) -> tuple[Halves, Array, Array, Flags]:
    """The rows, noise, covariances and flags of a side of `Samples`, with the row for whoever is unknown.

    Args:
        rows: float16, shape (n_samples, n, width).
        noise: float32, shape (n,).
    """
    mean = np.empty((len(rows), 1, rows.shape[2]), dtype=np.float32)
    spread = np.empty((len(rows), rows.shape[2], rows.shape[2]), dtype=np.float32)
    for sample, one in enumerate(rows):
        wide = one.astype(np.float64)
        mean[sample, 0] = wide.mean(axis=0)
        wide -= wide.mean(axis=0)
        spread[sample] = wide.T @ wide / len(wide)
    both = np.concatenate([rows, mean.astype(np.float16)], axis=1).transpose(1, 0, 2)
    is_mean = np.zeros(len(noise) + 1, dtype=np.uint8)
    is_mean[UNKNOWN] = 1
    return (
        np.ascontiguousarray(both),
        np.append(noise, noise.mean(dtype=np.float64)).astype(np.float32),
        spread,
        is_mean,
    )


def _mean_form(spread: Array, rows: Array) -> Array:
    """The mean over the samples of (q, 1)ᵀ C (q, 1), for rows of shape (n, n_samples, width) whose last is a bias."""
    features = rows.copy()
    features[..., -1] = 1
    return np.asarray(np.einsum("nkf,kfg,nkg->nk", features, spread, features, optimize=True).mean(axis=1))
