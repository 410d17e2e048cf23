from __future__ import annotations

import numpy as np
import pytest

from recsys.training.gibbs.covariance import covariance_columns
from recsys.training.gibbs.samples import credible, is_kept


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
    for sample in rows["user"] + rows["item"]:
        sample[:, 0] *= 3
    means = {
        role: np.mean([sample[:-1, :-1] for sample in ones], axis=0, dtype=np.float32) for role, ones in rows.items()
    }
    weights = {role: random.uniform(1, 3, n).astype(np.float32) for role, n in zip(rows, shape, strict=True)}
    user, item = covariance_columns(rows, means, weights, np.random.default_rng(1))
    assert (user.shape, item.shape) == ((shape[0], dim), (shape[1], dim))

    apart = {role: [sample[:-1, :-1] - means[role] for sample in ones] for role, ones in rows.items()}
    whole = np.mean([p @ q.T for p, q in zip(apart["user"], apart["item"], strict=True)], axis=0)
    weight = np.outer(weights["user"], weights["item"])
    left, sizes, right = np.linalg.svd(whole * weight)
    n = min(dim, *shape)
    best = (left[:, :n] * sizes[:n]) @ right[:n]
    error = np.linalg.norm(user @ item.T * weight - whole * weight)
    assert error <= np.linalg.norm(best - whole * weight) * 1.01 + 1e-3


def test_noise_is_drawn_to_that_of_all_as_far_as_few_ratings_call_for() -> None:
    """Against the truth: nearer than the means of the squares, and than one variance for all."""
    random = np.random.default_rng(3)
    counts = random.integers(1, 120, 2_000)
    truth = np.exp(random.normal(0, 0.6, 2_000))
    squares = truth * np.array([np.sum(random.standard_normal(n) ** 2) for n in counts])
    noise = credible(squares, counts)
    away = [
        float(np.mean(np.square(estimate - truth)))
        for estimate in (noise, squares / counts, np.full(2_000, truth.mean()))
    ]
    assert away[0] < 0.7 * away[1]
    assert away[0] < 0.5 * away[2]
    often = counts > 80
    assert np.polyfit(np.log(truth[often]), np.log(noise[often]), 1)[0] == pytest.approx(1, abs=0.15)


def test_where_noise_differs_by_chance_alone_all_have_that_of_all() -> None:
    random = np.random.default_rng(4)
    counts = np.full(3_000, 30)
    squares = 1.3 * np.array([np.sum(random.standard_normal(n) ** 2) for n in counts])
    np.testing.assert_allclose(credible(squares, counts), 1.3, rtol=0.1)
    assert (credible(np.zeros(5), np.ones(5, np.int64)) == 1).all()
