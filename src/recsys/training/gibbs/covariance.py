"""What the product of mean rows leaves out of the mean prediction, in a few columns more."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.scoring.factors import Array

Matrix = np.ndarray[Any, Any]
ROLES = ("user", "item")

EXTRA = 8  # columns beyond the rank, for the random start
N_ROUNDS = 3  # a fourth changes no prediction by 1e-4 of a rating


def covariance_columns(
    rows: dict[str, list[Matrix]], means: dict[str, Array], weights: dict[str, Array], random: np.random.Generator
) -> tuple[Array, Array]:
    """Columns for users and for items whose products are what the product of mean rows leaves out.

    The mean of p_u · q_i over samples is the product of the means and the mean of (p_u − mean)·(q_i − mean). This one,
    users × items, is approximated by rank dim, as well as can be where each entry counts by weight_u · weight_i.

    Args:
        rows: role → samples, shapes (n + 1, dim + 1).
        means: role → mean factors, shape (n, dim).
        weights: role → shape (n,), positive.
    Returns:
        float32, shapes (n_users, dim) and (n_items, dim).

    Source: Halko, Martinsson, Tropp 2011, "Finding Structure with Randomness" (SIAM Review), algorithm 4.4.
    """

    def apart(role: str, sample: int) -> Array:
        return weights[role][:, None] * (rows[role][sample][:-1, :-1].astype(np.float32) - means[role])

    def times(role: str, other: str, columns: Matrix) -> Matrix:
        total = np.zeros((len(means[role]), columns.shape[1]), np.float32)
        for one in range(len(rows[role])):
            total += apart(role, one) @ (apart(other, one).T @ columns)
        return total / np.float32(len(rows[role]))

    n_items, dim = means["item"].shape
    rank = min(dim, len(means["user"]), n_items)
    right = random.standard_normal((n_items, min(rank + EXTRA, len(means["user"]), n_items)), dtype=np.float32)
    for _ in range(N_ROUNDS):
        left = np.linalg.qr(times("user", "item", right))[0]
        right = np.linalg.qr(times("item", "user", left))[0]
    left = times("user", "item", right)
    vectors, sizes, turn = np.linalg.svd(left, full_matrices=False)
    root = np.sqrt(sizes[:rank])
    found = vectors[:, :rank] * root, right @ turn[:rank].T * root
    user, item = (np.zeros((len(means[role]), dim), np.float32) for role in ROLES)
    user[:, :rank], item[:, :rank] = (one / weights[role][:, None] for one, role in zip(found, ROLES, strict=True))
    return user, item
