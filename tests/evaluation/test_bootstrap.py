from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.evaluation import bootstrap
from recsys.evaluation.bootstrap import interval, resampled


def test_the_spread_of_a_resampled_mean_is_its_standard_error() -> None:
    values = rng(1, "bootstrap test").normal(size=400)
    draws = resampled(np.stack([values, np.ones(400)], axis=1))
    means = draws[:, 0] / draws[:, 1]
    assert draws.shape == (1000, 2)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)
    assert means.std() == pytest.approx(values.std() / 20, rel=0.1)


def test_columns_of_a_group_are_drawn_together() -> None:
    sums = rng(1, "bootstrap test").normal(size=(50, 1)) * [1.0, 3.0]
    draws = resampled(sums, 20)
    np.testing.assert_allclose(draws[:, 1], 3 * draws[:, 0])


def test_the_same_groups_give_the_same_draws() -> None:
    sums = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(resampled(sums, 5), resampled(sums, 5))


def test_draws_for_many_groups_which_are_not_kept_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = rng(1, "bootstrap test").normal(size=(40, 3))
    kept = resampled(sums, 20)
    monkeypatch.setattr(bootstrap, "MOST_KEPT", 0)
    np.testing.assert_array_equal(resampled(sums, 20), kept)


def test_an_interval_is_the_middle_of_the_draws() -> None:
    assert interval(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))


@pytest.mark.parametrize("n_worlds", [100, pytest.param(200, marks=pytest.mark.slow)])
def test_the_interval_covers_the_truth_as_often_as_it_says(n_worlds: int) -> None:
    draw = rng(2, "coverage")
    covered = 0
    for _ in range(n_worlds):
        means = draw.normal(size=60)  # of users: the truth is 0
        draws = resampled(np.stack([means, np.ones(60)], axis=1), 200)
        low, high = interval(draws[:, 0] / draws[:, 1])
        covered += low <= 0 <= high
    assert 0.89 <= covered / n_worlds <= 0.99
