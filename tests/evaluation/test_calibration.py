from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.data.interactions import Interactions
from recsys.evaluation import calibration
from recsys.evaluation.calibration import LEVELS, WIDTH_REACH, Calibration, PairFeatures, WidthOf, normal
from recsys.evaluation.coverage import coverage
from recsys.evaluation.even_factors import LEAST, MOST

Array = np.ndarray[Any, np.dtype[Any]]


def calibrate(error: Array, *known: Array) -> Calibration:
    """On a scale without ends."""
    return calibration.calibrate(error, PairFeatures(*known), twice)


def reach_of(intervals: Calibration, level: float, *known: Array, width_of: WidthOf | None = None) -> Array:
    """How far intervals reach to either side."""
    std = intervals.std(PairFeatures(*known))
    return intervals.factor(level, (width_of or twice)(WIDTH_REACH * std)) * std


def twice(reach: Array) -> Array:
    """How wide an interval is that stays within the scale."""
    return 2 * reach


def test_the_factor_is_the_conformal_rank_of_the_scores() -> None:
    """19 errors of the sizes 1 … 19: the ⌈20 · 0.9⌉ = 18th smallest covers nine tenths."""
    error = np.random.default_rng(0).permutation(np.arange(1.0, 20.0)) * np.where(np.arange(19) % 2, 1, -1)
    much = np.full(19, 1e9)  # ratings of user and item: no correction by counts
    intervals = calibrate(error, np.ones(19), much, much, np.zeros(19))
    known = np.ones(1), much[:1], much[:1], np.zeros(1)
    assert reach_of(intervals, 0.9, *known)[0] == pytest.approx(18.0)
    assert reach_of(intervals, 0.5, *known)[0] == pytest.approx(10.0)
    assert intervals.std(PairFeatures(*known))[0] == pytest.approx(np.sqrt(np.mean(np.square(error))), rel=1e-5)


def test_few_ratings_allow_for_no_high_level() -> None:
    intervals = calibrate(np.arange(1.0, 10.0), *[np.ones(9)] * 4)
    assert (intervals.n_ratings, intervals.highest_level) == (9, 0.9)
    assert calibrate(np.array([0.5]), *[np.ones(1)] * 4).highest_level == 0.5


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.9973])
def test_without_valid_the_factors_are_those_of_the_normal_distribution(level: float) -> None:
    assert normal().factor(level, np.ones(1)) == pytest.approx(NormalDist().inv_cdf(0.5 + level / 2), rel=0.005)


def test_rare_users_and_items_get_the_wider_intervals_that_they_need() -> None:
    random = np.random.default_rng(0)
    n_user, n_item = random.integers(0, 50, 40_000), random.integers(0, 50, 40_000)
    variance = 0.5 + 2 / (1 + n_user) + 1 / (1 + n_item)
    error = random.normal(size=40_000) * np.sqrt(variance)
    known = np.ones(40_000), n_user, n_item, np.zeros(40_000)
    intervals = calibrate(error, *known)
    np.testing.assert_allclose(intervals.coefficients, [0.5, 2, 1, 0, 0, 0, 0, 0], rtol=0.15, atol=0.25)
    reach = reach_of(intervals, 0.9, *known)
    for chosen in (n_user == 0, n_user > 40, n_item == 0):
        assert np.mean(np.abs(error) <= reach, where=chosen) == pytest.approx(0.9, abs=0.03)


def test_whoever_is_unknown_has_an_interval_of_their_own() -> None:
    """A bias of 1.5 that one rating tells all but 0.2 of: no 1 / (1 + n) is like that."""
    random = np.random.default_rng(3)
    n_user, n_item = random.integers(0, 20, 20_000), np.full(20_000, 50)
    error = random.normal(size=20_000) * np.where(n_user == 0, 1.5, 0.2)
    known = np.ones(20_000), n_user, n_item, np.zeros(20_000)
    intervals = calibrate(error[:10_000], *(column[:10_000] for column in known))
    is_covered = np.abs(error) <= reach_of(intervals, 0.9, *known)
    for chosen in (n_user == 0, n_user == 1, n_user > 5):
        assert np.mean(is_covered[10_000:], where=chosen[10_000:]) == pytest.approx(0.9, abs=0.03)


def test_narrow_intervals_at_the_ends_of_the_scale_hold_no_more_than_wide_ones() -> None:
    """Ratings that are cut off at 5 lie within its reach, however far beyond it their score is."""
    random = np.random.default_rng(4)
    score = random.uniform(2, 6, 20_000)
    rating = np.clip(score + 0.8 * random.normal(size=20_000), 1, 5)
    centre = np.clip(score, 1, 5)
    of_pairs = np.ones(20_000), np.full(20_000, 50), np.full(20_000, 50), np.zeros(20_000)
    width_of = lambda some: lambda reach: np.clip(centre[some] + reach, 1, 5) - np.clip(centre[some] - reach, 1, 5)  # noqa: E731
    valid, test = slice(0, 10_000), slice(10_000, None)
    known = PairFeatures(*(column[valid] for column in of_pairs))
    intervals = calibration.calibrate((centre - rating)[valid], known, width_of(valid))
    reach = reach_of(intervals, 0.9, *(column[test] for column in of_pairs), width_of=width_of(test))
    is_covered, width = np.abs(centre - rating)[test] <= reach, width_of(test)(reach)
    narrow = width <= np.quantile(width, 0.3)
    assert np.mean(is_covered) == pytest.approx(0.9, abs=0.015)
    assert np.mean(is_covered, where=narrow) == pytest.approx(0.9, abs=0.03)


def test_factors_of_neighbours_do_not_keep_narrow_intervals_wide() -> None:
    """Errors are the smaller the narrower the interval is, much more than the model says."""
    random = np.random.default_rng(5)
    says = random.uniform(0.5, 2, 20_000)
    error = random.normal(size=20_000) * np.minimum(says, 1.2) ** 5
    counts, spread = np.full(20_000, 50), np.zeros(20_000)
    intervals = calibrate(error[:10_000], says[:10_000], counts[:10_000], counts[:10_000], spread[:10_000])
    reach = reach_of(intervals, 0.9, says, counts, counts, spread)
    is_covered = np.abs(error)[10_000:] <= reach[10_000:]
    narrow = says[10_000:] <= np.quantile(says[10_000:], 0.2)
    assert np.mean(is_covered) == pytest.approx(0.9, abs=0.015)
    assert np.mean(is_covered, where=narrow) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_of_whole_numbers_narrow_intervals_hold_as_many_as_wide_ones_at_every_level(level: float) -> None:
    """A factor by width that is the same at all levels leaves 0.92 of the narrow ones at 0.8, and 0.69 at 0.5."""
    random = np.random.default_rng(6)
    noise = random.uniform(0.3, 1.2, 40_000)
    centre = random.uniform(2.8, 3.2, 40_000)
    error = np.round(centre + noise * random.normal(size=40_000)) - centre
    counts, spread = np.full(40_000, 50), np.zeros(40_000)
    intervals = calibrate(error[:20_000], noise[:20_000], counts[:20_000], counts[:20_000], spread[:20_000])
    is_covered = np.abs(error) <= reach_of(intervals, level, noise, counts, counts, spread)
    narrow = noise[20_000:] <= np.quantile(noise[20_000:], 0.2)
    assert np.mean(is_covered[20_000:]) == pytest.approx(level, abs=0.015)
    assert np.mean(is_covered[20_000:], where=narrow) == pytest.approx(level, abs=0.06)


def test_a_higher_level_never_has_a_narrower_interval() -> None:
    random, counts = np.random.default_rng(7), np.full(60, 5)
    error, of_model = np.round(2 * random.normal(size=60)), random.uniform(0.5, 2, 60)
    intervals = calibrate(error, of_model, counts, counts, np.zeros(60))
    width = np.linspace(0, 2 * intervals.widths.max(), 50)
    reach = np.array([intervals.factor(level, width) for level in np.linspace(0.01, intervals.highest_level, 99)])
    assert (np.diff(reach, axis=0) >= 0).all()


@pytest.mark.parametrize("level", LEVELS[[9, 99, 179, 197]].tolist())
def test_promised_is_covered_on_further_ratings(level: float) -> None:
    random = np.random.default_rng(1)
    scale = random.uniform(0.5, 2, 20_000)  # what the model says, and rightly
    error = random.laplace(size=20_000) * scale
    counts = random.integers(1, 50, 20_000)
    known = scale, counts, counts, np.ones(20_000)
    intervals = calibrate(error[:10_000], *(column[:10_000] for column in known))
    reach = reach_of(intervals, level, *(column[10_000:] for column in known))
    assert np.mean(np.abs(error[10_000:]) <= reach) == pytest.approx(level, abs=0.012)


def test_a_model_without_errors_gets_intervals_without_width() -> None:
    intervals = calibrate(np.zeros(20), *[np.ones(20)] * 4)
    assert reach_of(intervals, 0.9, *[np.ones(1)] * 4).tolist() == [0]


def test_where_most_errors_are_0_no_group_is_widened_without_end() -> None:
    random, counts = np.random.default_rng(39), np.full(200, 5)
    says = random.lognormal(size=200)
    error = np.where(random.random(200) < 0.12, random.normal(size=200), 0)
    intervals = calibrate(error, says, counts, counts, np.zeros(200))
    at_95 = intervals.factor(0.95, intervals.widths)
    assert at_95.max() <= MOST / LEAST * at_95.min()


def test_of_what_the_model_and_the_spread_say_that_is_taken_which_is_so() -> None:
    random = np.random.default_rng(2)
    of_model, spread = random.uniform(0.5, 2, (2, 40_000))
    counts = np.full(40_000, 50)
    for share in (0.0, 0.6, 1.0):
        error = random.normal(size=40_000) * np.sqrt((1 - share) * of_model**2 + share * spread)
        intervals = calibrate(error, of_model, counts, counts, spread)
        std = intervals.std(PairFeatures(of_model, counts, counts, spread))
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
