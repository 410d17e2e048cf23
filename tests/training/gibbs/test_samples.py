from __future__ import annotations

import numpy as np
import pytest

from recsys.training.gibbs.covariance import covariance_columns
from recsys.training.gibbs.samples import is_kept


@pytest.mark.parametrize(("n_sweeps", "n_kept"), [(384, 64), (10, 3), (7, 7), (3, 8), (5, 1)])
def test_the_samples_kept_are_spread_evenly_and_the_last_is_one_of_them(n_sweeps: int, n_kept: int) -> None:
    chosen = [sweep for sweep in range(1, n_sweeps + 1) if is_kept(sweep, n_sweeps, n_kept)]
    assert len(chosen) == min(n_kept, n_sweeps)
    assert chosen[-1] == n_sweeps
    gaps = np.diff([0, *chosen])
    assert gaps.max() - gaps.min() <= 1


def test_no_sample_is_kept_where_none_is_asked_for() -> None:
    assert not any(is_kept(sweep, 10, 0) for sweep in range(1, 11))


@pytest.mark.parametrize("shape", [(40, 30), (6, 30), (30, 2)])
def test_the_columns_are_the_best_approximation_of_their_rank(shape: tuple[int, int]) -> None:
    """Against numpy's svd of the whole weighted matrix."""
    random, dim = np.random.default_rng(0), 3
    rows = {
        role: [random.normal(size=(n + 1, dim + 1)).astype(np.float16) for _ in range(5)]
        for role, n in zip(("user", "item"), shape, strict=True)
    }
    for one in rows["user"] + rows["item"]:
        one[:, 0] *= 3
    means = {role: np.mean([one[:-1, :-1] for one in ones], axis=0, dtype=np.float32) for role, ones in rows.items()}
    weights = {role: random.uniform(1, 3, n).astype(np.float32) for role, n in zip(rows, shape, strict=True)}
    user, item = covariance_columns(rows, means, weights, np.random.default_rng(1))
    assert (user.shape, item.shape) == ((shape[0], dim), (shape[1], dim))

    apart = {role: [one[:-1, :-1] - means[role] for one in ones] for role, ones in rows.items()}
    whole = np.mean([p @ q.T for p, q in zip(apart["user"], apart["item"], strict=True)], axis=0)
    weight = np.outer(weights["user"], weights["item"])
    left, sizes, right = np.linalg.svd(whole * weight)
    n = min(dim, *shape)
    best = (left[:, :n] * sizes[:n]) @ right[:n]
    error = np.linalg.norm(user @ item.T * weight - whole * weight)
    assert error <= np.linalg.norm(best - whole * weight) * 1.01 + 1e-3
