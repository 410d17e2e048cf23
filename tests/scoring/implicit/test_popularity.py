from __future__ import annotations

import numpy as np
import pytest

from recsys.scoring.implicit.popularity import popularity


def test_popularity_is_the_best_score_without_tastes() -> None:
    counts, n_users, unobserved = np.array([0, 3, 40]), 50, 0.2
    scores_alone = popularity(counts, n_users, unobserved)
    scores = np.linspace(0, 1, 10_001)
    loss = counts[:, None] * (1 - scores) ** 2 + unobserved * n_users * scores**2
    np.testing.assert_allclose(scores_alone, scores[loss.argmin(axis=1)], atol=1e-4)
    assert scores_alone[0] == 0


def test_it_rises_with_the_interactions() -> None:
    assert (np.diff(popularity(np.arange(100), 1_000, 0.1)) > 0).all()


@pytest.mark.parametrize("n_users", [1, 10**9])
def test_it_stays_below_one(n_users: int) -> None:
    assert popularity(np.array([n_users]), n_users, 0.01).max() < 1
