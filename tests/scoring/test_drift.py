"""The drift between known moments, against the dense Gaussian process that it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link

TIMES = np.array([0.0, 3.0, 4.0, 100.0, 5_000.0])
LENGTH, VARIANCE = np.array([10.0, 1_000.0]), np.array([0.5, 2.0])
MEAN = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
DRIFT = Drift(
    start=np.array([0, 5, 5, 7, 7]),  # three users with 5, 0 and 2 moments, and whoever is unknown
    time=np.append(TIMES, [50.0, 60.0]),
    mean=MEAN,
    extra=np.zeros(7, np.float32),
    length=LENGTH,
    variance=VARIANCE,
    scale=np.array([1.0, 3.0, 0.5, 1.0], np.float32),
)
ASKED = np.array([-50.0, 0.0, 1.0, 3.5, 50.0, 99.999, 5_000.0, 6_000.0, 1e9])


def dense(path: int, at: float) -> tuple[Any, Any]:
    """Mean and variance of a path at a time, given its values at all moments of the first user."""

    def covariance(times: Any, other: Any) -> Any:
        return VARIANCE[path] * np.exp(-np.abs(np.subtract.outer(times, other)) / LENGTH[path])

    solved = np.linalg.solve(covariance(TIMES, TIMES), covariance(TIMES, at))
    return MEAN[:5, path] @ solved, VARIANCE[path] - covariance(at, TIMES) @ solved


def test_between_moments_mean_and_variance_are_those_of_the_gaussian_process() -> None:
    mean, variance = DRIFT.at(np.zeros(len(ASKED), np.int32), ASKED)
    expected = [np.sum([dense(path, at) for path in (0, 1)], axis=0) for at in ASKED]
    np.testing.assert_allclose(np.stack([mean, variance], axis=1), expected, atol=1e-5)


def test_at_a_moment_itself_the_drift_is_the_known_one() -> None:
    known = replace(DRIFT, extra=np.full(7, 0.25, np.float32))
    mean, variance = known.at(np.zeros(5, np.int32), TIMES)
    np.testing.assert_allclose(mean, MEAN[:5].sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(variance, 0.25, rtol=1e-5)


def test_far_from_every_moment_nothing_is_known() -> None:
    users = np.array([0, 1, 2, -1], np.int32)
    mean, variance = DRIFT.at(users, np.array([1e9, 3.0, 1e9, 3.0]))
    np.testing.assert_allclose(mean, 0, atol=1e-6)
    np.testing.assert_allclose(variance, VARIANCE.sum() * np.array([1, 9, 0.25, 1]))
    np.testing.assert_allclose(DRIFT.at_no_time(users), variance)


def test_each_user_is_found_among_their_own_moments() -> None:
    mean, _ = DRIFT.at(np.array([2, 0, 2], np.int32), np.array([60.0, 4.0, 50.0]))
    np.testing.assert_allclose(mean, MEAN[[6, 2, 5]].sum(axis=1), rtol=1e-6)


def test_new_users_among_the_known_ones_have_no_drift() -> None:
    longer = DRIFT.with_users(np.array([-1, 0, 1, -1, 2]))
    users, times = np.array([0, 1, 3, 4, -1], np.int32), np.full(5, 50.0)
    expected = DRIFT.at(np.array([-1, 0, -1, 2, -1], np.int32), times)
    np.testing.assert_array_equal(longer.at(users, times), expected)


def test_many_pairs_get_what_each_gets_alone() -> None:
    random = np.random.default_rng(0)
    users, times = random.integers(-1, 3, 10_000).astype(np.int32), random.uniform(-10, 6_000, 10_000)
    some = slice(8_000, 8_005)
    np.testing.assert_array_equal(np.array(DRIFT.at(users, times))[:, some], DRIFT.at(users[some], times[some]))


def test_the_drift_is_a_part_of_the_score_where_there_is_a_time() -> None:
    rows = np.ones((4, 1), np.float32)
    factors = Factors(3.0, rows[:, 0], rows[:, 0], rows, rows, Link("identity", 1, 5), DRIFT)
    user, item = np.zeros(1, np.int32), np.zeros(1, np.int32)
    assert factors.rate(user, item)[0] == pytest.approx(6.0)
    assert "user_drift" not in factors.parts(0, 0)
    parts = factors.parts(0, 0, 4.0)
    assert parts["user_drift"] == pytest.approx(MEAN[2].sum())
    assert sum(parts.values()) == pytest.approx(factors.rate(user, item, np.array([4.0]))[0], abs=1e-6)
