"""What the product of mean rows leaves out of the mean prediction, in a few columns more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys.core.types import Array, Float32Array

ROLES = ("user", "item")

EXTRA = 8  # columns beyond the rank, for the random start
GROUP_BYTES = 128_000_000
N_ROUNDS = 3  # a fourth changes no prediction by 1e-4 of a rating


def covariance_columns(
    rows: dict[str, list[Array]],
    means: dict[str, Float32Array],
    weights: dict[str, Float32Array],
    random: np.random.Generator,
) -> tuple[Float32Array, Float32Array]:
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

    groups = _Groups(rows, means, weights)

    def times(role: str, other: str, columns: Array) -> Array:
        total = np.zeros((len(means[role]), columns.shape[1]), np.float32)
        for apart in groups:
            total += apart[role] @ (apart[other].T @ columns)
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
    factors = vectors[:, :rank] * root, right @ turn[:rank].T * root
    user, item = (np.zeros((len(means[role]), dim), np.float32) for role in ROLES)
    user[:, :rank], item[:, :rank] = (
        factor / weights[role][:, None] for factor, role in zip(factors, ROLES, strict=True)
    )
    return user, item


class _Groups:
    """weight · (sample − mean) of several samples side by side, float32: role → shape (n, samples of a group · dim).

    Where one group takes all samples it is made once, else in each round again.
    """

    def __init__(
        self, rows: dict[str, list[Array]], means: dict[str, Float32Array], weights: dict[str, Float32Array]
    ) -> None:
        self._rows, self._means, self._weights = rows, means, weights
        self._size = max(1, GROUP_BYTES // (4 * sum(mean.size for mean in means.values())))
        self._only = self._group(0) if self._size >= len(rows["user"]) else None

    def __iter__(self) -> Iterator[dict[str, Float32Array]]:
        if self._only is not None:
            yield self._only
        else:
            yield from map(self._group, range(0, len(self._rows["user"]), self._size))

    def _group(self, start: int) -> dict[str, Float32Array]:
        return {role: self._apart(role, self._rows[role][start : start + self._size]) for role in ROLES}

    def _apart(self, role: str, samples: list[Array]) -> Float32Array:
        mean, weight = self._means[role], self._weights[role].astype(np.float32)[:, None]
        n, dim = mean.shape
        deviations = np.empty((n, len(samples) * dim), np.float32)
        for at, sample in enumerate(samples):
            deviations[:, at * dim : (at + 1) * dim] = (sample[:-1, :-1].astype(np.float32) - mean) * weight
        return deviations
