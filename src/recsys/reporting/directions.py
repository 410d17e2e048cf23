"""The main directions of taste: those along which the predicted interactions vary most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array
from recsys.data.chunks import chunks


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions of taste, the widest first.

    Attributes:
        axes: float64, shape (dim, n); positions = (item_factors − their weighted mean) @ axes.
        positions: float32, shape (n_items, n), in rating units: what a user who is one standard deviation out along the
            direction gives an item beyond what the average user gives it.
        share: float64, shape (n,), of the weighted variance of all interactions.
    """

    axes: Array
    positions: Array
    share: Array


def main_directions(bundle: Bundle, n: int = 5) -> Directions:
    """The principal components of the items as users tell them apart.

    With p_u and q_i centred (their means say nothing about taste: p̄·q_i is the same for every user, p_u·q̄ for every
    item) and C = cov(p_u), each user counted once, an item stands at x_i = C^½ q_i: x_i·x_j is the covariance, over
    users, of their interactions with i and j. The directions are the eigenvectors of Σ_i n_i x_i x_iᵀ / Σ_i n_i, with
    n_i the item's training ratings, so that items of which the model knows little do not make a direction.

    The interactions p_u·q_i stay the same when p is multiplied by an invertible matrix and q by its inverse, and so do
    these directions; a PCA of the item factors alone would change. Of each direction's two signs, the one is taken
    in which the item that adds most to it, by n_i position², has a positive position.

    Args:
        n: how many; fewer come back where the model has fewer factors.
    """
    factors = bundle.factors
    weight = bundle.counts["rating"].items / max(bundle.counts["rating"].items.sum(), 1)
    root = _root(_covariance(factors.user_factors[:-1]))
    items = factors.item_factors[:-1].astype(np.float64)
    items -= weight @ items
    spread = items @ root
    variance, vectors = np.linalg.eigh((spread * weight[:, None]).T @ spread)
    widest = np.argsort(-variance, kind="stable")[:n]
    axes = root @ vectors[:, widest]
    positions = items @ axes
    heaviest = np.argmax(weight[:, None] * positions**2, axis=0)
    sign = np.where(np.take_along_axis(positions, heaviest[None], axis=0)[0] < 0, -1.0, 1.0)
    share = variance[widest].clip(min=0) / (variance.clip(min=0).sum() or 1.0)
    return Directions(axes * sign, (positions * sign).astype(np.float32), share)


def _covariance(rows: Array) -> Array:
    """Covariance of the columns, float64, a chunk of rows at a time."""
    mean = rows.mean(axis=0, dtype=np.float64)
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for some in chunks(len(rows)):
        centred = rows[some] - mean
        total += centred.T @ centred
    return total / len(rows)


def _root(matrix: Array) -> Array:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)
