from __future__ import annotations

import numpy as np
import pytest

from recsys.data.grouped import GroupedView
from recsys.scoring.implicit import moments
from recsys.scoring.implicit.moments import Moments

RANDOM = np.random.default_rng(5)
COUNTS = np.array([3, 1, 0, 7, 12, 5, 0, 4, 9, 2])
SEEN = GroupedView(
    np.concatenate([[0], np.cumsum(COUNTS)]),
    np.concatenate([RANDOM.choice(15, n, replace=False) for n in COUNTS]).astype(np.int32),
    None,
)
USERS = RANDOM.normal(size=(10, 3)).astype(np.float32)
ITEMS = RANDOM.normal(1, 1, size=(15, 3)).astype(np.float32)


def items_of(user: int) -> list[int]:
    return SEEN.other_idx[SEEN.start[user] : SEEN.start[user + 1]].tolist()


def test_the_gain_of_one_interaction_is_the_regression_of_users_rows_on_their_items() -> None:
    users = np.flatnonzero(COUNTS)
    pairs = [(user, item) for user in users for item in items_of(user)]
    weights = np.sqrt([1 / COUNTS[user] for user, _ in pairs])[:, None]  # each user counts once
    fitted = Moments.of(USERS, ITEMS, SEEN)
    h = np.array([ITEMS[item] for _, item in pairs]) - fitted.mean_item
    w = np.array([USERS[user] for user, _ in pairs]) - USERS[users].mean(axis=0)
    expected = np.linalg.lstsq(weights * h, weights * w, rcond=None)[0].T
    np.testing.assert_allclose(fitted.gain(1), expected, atol=0.01 * np.abs(expected).max())


def test_covariances_are_those_of_the_items_of_a_user_and_of_their_means() -> None:
    users = np.flatnonzero(COUNTS)
    fitted = Moments.of(USERS, ITEMS, SEEN)
    means = np.array([ITEMS[items_of(user)].mean(axis=0) for user in users])
    within = np.mean([np.cov(ITEMS[items_of(user)].T, bias=True) for user in users], axis=0)
    np.testing.assert_allclose(fitted.mean_item, means.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(fitted.within, within, atol=1e-6)
    np.testing.assert_allclose(fitted.between, np.cov(means.T, bias=True), atol=1e-6)
    np.testing.assert_allclose(fitted.cross, np.cov(USERS[users].T, means.T, bias=True)[:3, 3:], atol=1e-6)


def test_of_very_many_interactions_evenly_spaced_users_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Moments.of(USERS, ITEMS, SEEN)
    monkeypatch.setattr(moments, "BLOCK", 4)
    np.testing.assert_allclose(Moments.of(USERS, ITEMS, SEEN).within, whole.within, atol=1e-12)
    monkeypatch.setattr(moments, "INTERACTIONS", 20)  # of 43, so every second user who has any
    some = Moments.of(USERS, ITEMS, SEEN)
    means = np.array([ITEMS[items_of(user)].mean(axis=0) for user in (0, 3, 5, 8)])
    np.testing.assert_allclose(some.mean_item, means.mean(axis=0), rtol=1e-5)


def test_rows_of_zeros_have_a_gain_of_zero() -> None:
    fitted = Moments.of(np.zeros_like(USERS), np.zeros_like(ITEMS), SEEN)
    np.testing.assert_array_equal(fitted.gain(3), np.zeros((3, 3)))
