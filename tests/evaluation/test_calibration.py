from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.data.interactions import Interactions
from recsys.evaluation import calibration
from recsys.evaluation.calibration import LEVELS, calibrate, coverage, normal


def test_the_factor_is_the_conformal_rank_of_the_scores() -> None:
    """19 errors of the sizes 1 … 19: the ⌈20 · 0.9⌉ = 18th smallest covers nine tenths."""
    error = np.random.default_rng(0).permutation(np.arange(1.0, 20.0)) * np.where(np.arange(19) % 2, 1, -1)
    much = np.full(19, 1e9)  # ratings of user and item: no correction by counts
    intervals = calibrate(error, np.ones(19), much, much, np.zeros(19))
    std = intervals.std(np.ones(1), much[:1], much[:1], np.zeros(1))[0]
    assert intervals.factor(0.9) * std == pytest.approx(18.0)
    assert intervals.factor(0.5) * std == pytest.approx(10.0)
    assert std == pytest.approx(np.sqrt(np.mean(np.square(error))), rel=1e-5)


def test_few_ratings_allow_for_no_high_level() -> None:
    intervals = calibrate(np.arange(1.0, 10.0), *[np.ones(9)] * 4)
    assert (intervals.n_ratings, intervals.highest_level) == (9, 0.9)
    assert calibrate(np.array([0.5]), *[np.ones(1)] * 4).highest_level == 0.5


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.9973])
def test_without_valid_the_factors_are_those_of_the_normal_distribution(level: float) -> None:
    assert normal().factor(level) == pytest.approx(NormalDist().inv_cdf(0.5 + level / 2), rel=0.005)


def test_rare_users_and_items_get_the_wider_intervals_that_they_need() -> None:
    random = np.random.default_rng(0)
    n_user, n_item = random.integers(0, 50, 40_000), random.integers(0, 50, 40_000)
    variance = 0.5 + 2 / (1 + n_user) + 1 / (1 + n_item)
    error = random.normal(size=40_000) * np.sqrt(variance)
    known = np.ones(40_000), n_user, n_item, np.zeros(40_000)
    intervals = calibrate(error, *known)
    np.testing.assert_allclose(intervals.coefficients, [0.5, 2, 1, 0, 0, 0], rtol=0.15)
    reach = intervals.factor(0.9) * intervals.std(*known)
    for chosen in (n_user == 0, n_user > 40, n_item == 0):
        assert np.mean(np.abs(error) <= reach, where=chosen) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("level", LEVELS[[9, 99, 179, 197]].tolist())
def test_promised_is_covered_on_further_ratings(level: float) -> None:
    random = np.random.default_rng(1)
    scale = random.uniform(0.5, 2, 20_000)  # what the model says, and rightly
    error = random.laplace(size=20_000) * scale
    counts = random.integers(1, 50, 20_000)
    known = scale, counts, counts, np.ones(20_000)
    intervals = calibrate(error[:10_000], *(column[:10_000] for column in known))
    std = intervals.std(*(column[10_000:] for column in known))
    assert np.mean(np.abs(error[10_000:]) <= intervals.factor(level) * std) == pytest.approx(level, abs=0.012)


def test_a_model_without_errors_gets_intervals_without_width() -> None:
    intervals = calibrate(np.zeros(20), *[np.ones(20)] * 4)
    assert intervals.factor(0.9) * intervals.std(*[np.ones(1)] * 4)[0] == 0


def test_of_what_the_model_and_the_spread_say_that_is_taken_which_is_so() -> None:
    random = np.random.default_rng(2)
    of_model, spread = random.uniform(0.5, 2, (2, 40_000))
    counts = np.full(40_000, 50)
    for share in (0.0, 0.6, 1.0):
        error = random.normal(size=40_000) * np.sqrt((1 - share) * of_model**2 + share * spread)
        intervals = calibrate(error, of_model, counts, counts, spread)
        std = intervals.std(of_model, counts, counts, spread)
        np.testing.assert_allclose(np.square(std), (1 - share) * of_model**2 + share * spread, rtol=0.12)


def test_coverage_counts_overall_by_activity_and_by_width(rated: Callable[..., Interactions]) -> None:
    """u0 rated three times in training, u1 once; u0's intervals are narrow and hold one of two, u1's hold all."""
    train = rated([(0, 0, 3), (0, 1, 3), (0, 2, 3), (1, 0, 3)])
    ratings = train.take(np.array([0, 1, 3]))
    low, high = np.array([2.5, 3.5, 1.0]), np.array([3.5, 4.5, 5.0])
    result = coverage(ratings, low, high, train)
    assert (result["coverage"], result["mean_width"], result["n_ratings"]) == (pytest.approx(2 / 3), 2.0, 3)
    by_user = [(row["low"], row["coverage"], row["mean_width"], row["n_ratings"]) for row in result["by_user"]]
    assert by_user == [(1, 1.0, 4.0, 1), (3, 0.5, 1.0, 2)]
    assert [(row["n_users"], row["coverage"]) for row in result["by_width"]] == [(1, 0.5), (1, 1.0)]


@pytest.mark.parametrize("alike", ["nothing", "users", "users and items", "variances"])
@pytest.mark.parametrize("n", [1, 5, 90])
def test_choices_that_are_left_out_change_no_bit(alike: str, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = rng(5, f"choices {alike}", n)
    varies = np.array([[not alike.startswith("users")], [alike != "users and items"]])
    n_user, n_item = draw.integers(0, 40, (2, n)) * varies
    variances = draw.normal(1, 0.3, n)
    of_model, spread = np.abs(variances), np.square(variances) if alike == "variances" else draw.random(n)
    error = draw.normal(size=n) * np.sqrt(0.2 + spread)
    few = calibrate(error, of_model, n_user, n_item, spread)
    monkeypatch.setattr(calibration, "_promising", lambda gram, right: calibration._masks(len(right)))
    every = calibrate(error, of_model, n_user, n_item, spread)
    np.testing.assert_array_equal(few.coefficients, every.coefficients)
