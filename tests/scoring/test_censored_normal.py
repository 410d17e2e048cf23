from __future__ import annotations

import numpy as np
import pytest

from recsys.scoring.censored_normal import censored_normal, mean_beyond, within
from recsys.scoring.link import Link

LOW, HIGH = 1.0, 5.0
CASES = [(3.0, 0.5), (4.9, 1.0), (7.0, 2.0), (-2.0, 3.0), (5.0, 0.1)]
X = np.linspace(-12, 12, 400_001)
SHARE = np.exp(-0.5 * X * X) / np.sqrt(2 * np.pi) * (X[1] - X[0])


@pytest.mark.parametrize(("mean", "std"), CASES)
def test_moments_of_what_is_clipped_are_integrals(mean: float, std: float) -> None:
    values = np.clip(mean + std * X, LOW, HIGH)
    expected = (values * SHARE).sum()
    moments = censored_normal(np.array([mean]), np.array([std]), LOW, HIGH)
    assert moments[0][0] == pytest.approx(expected, abs=1e-5)
    assert moments[1][0] == pytest.approx(np.sqrt((np.square(values - expected) * SHARE).sum()), abs=1e-5)


@pytest.mark.parametrize(("mean", "std"), CASES)
def test_the_slope_is_the_share_within(mean: float, std: float) -> None:
    step, stds = 1e-4, np.array([std])
    above, below = (censored_normal(np.array([mean + move]), stds, LOW, HIGH)[0][0] for move in (step, -step))
    assert within(np.array([mean]), stds, LOW, HIGH)[0] == pytest.approx((above - below) / (2 * step), abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("mean", "std"), CASES)
def test_the_mean_beyond_a_limit_is_an_integral(mean: float, std: float, sign: int) -> None:
    values = mean + std * X
    there = sign * (values - 4.5) > 0
    if SHARE[there].sum() > 1e-4:  # else the sum is none
        expected = (values * SHARE)[there].sum() / SHARE[there].sum()
        assert mean_beyond(np.array([mean]), std, 4.5, sign)[0] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("mean", [-1e6, 1e6])
def test_far_from_a_limit_all_is_beyond_it_and_none_is_lost(mean: float) -> None:
    means = [mean_beyond(np.array([mean]), 1.0, 0.0, sign)[0] for sign in (1, -1)]
    assert np.isfinite(means).all()
    assert means[0 if mean > 0 else 1] == mean


def test_a_tobit_link_gives_the_mean_rating_and_stays_on_the_scale() -> None:
    score = np.linspace(-30, 30, 997, dtype=np.float32)
    rating = Link("tobit", LOW, HIGH, 1.5)(score)
    exact = censored_normal(score.astype(np.float64), np.full(len(score), 1.5), LOW, HIGH)[0]
    np.testing.assert_allclose(rating, exact, atol=2e-5)
    assert rating[[0, -1]].tolist() == [LOW, HIGH]
    halves = np.where(np.arange(len(score)) % 2, 1.5, 0.5).astype(np.float32)
    assert (Link("tobit", LOW, HIGH, 0.5)(score, halves)[1::2] == rating[1::2]).all()
    assert 4.0 < Link("tobit", LOW, HIGH, 1.5)(np.array([5.0], np.float32))[0] < 4.5  # where clip would say 5
