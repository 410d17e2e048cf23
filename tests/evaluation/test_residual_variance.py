from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.residual_variance import residual_variance_of

N_USERS, N_ITEMS = 300, 200


def _ratings(n: int, user_std: np.ndarray, item_std: np.ndarray) -> Interactions:  # type: ignore[type-arg]
    draw = np.random.default_rng(4)
    user, item = np.divmod(draw.permutation(N_USERS * N_ITEMS)[:n].astype(np.int32), np.int32(N_ITEMS))
    rating = 3 + 0.4 * draw.normal(size=N_USERS)[user] + 0.4 * draw.normal(size=N_ITEMS)[item]
    rating += draw.normal(size=n) * user_std[user] * item_std[item]
    users, items = (Vocabulary(np.arange(count)) for count in (N_USERS, N_ITEMS))
    return Interactions(user, item, rating.astype(np.float32), None, users, items)


def test_who_is_planted_as_hard_to_predict_is_found() -> None:
    draw = np.random.default_rng(5)
    user_std, item_std = draw.uniform(0.3, 1.5, N_USERS), draw.uniform(0.7, 1.3, N_ITEMS)
    variances = residual_variance_of(_ratings(30_000, user_std, item_std))
    user, item = (np.arange(n, dtype=np.int32) for n in (N_USERS, N_ITEMS))
    variance = variances.variance(np.repeat(user, N_ITEMS), np.tile(item, N_USERS)).reshape(N_USERS, N_ITEMS)
    wanted = np.square(np.outer(user_std, item_std))
    assert np.corrcoef(np.log(variance.ravel()), np.log(wanted.ravel()))[0, 1] > 0.97
    assert variance.mean() == pytest.approx(wanted.mean(), rel=0.05)


def test_unknown_ids_have_the_mean_variance() -> None:
    draw = np.random.default_rng(5)
    train = _ratings(30_000, draw.uniform(0.3, 1.5, N_USERS), np.ones(N_ITEMS))
    variances = residual_variance_of(train)
    unknown = np.array([-1], dtype=np.int32)
    of_all = variances.variance(train.user_idx, train.item_idx)
    assert variances.variance(unknown, unknown)[0] == pytest.approx(of_all.mean(), rel=0.02)


def test_few_ratings_say_little_and_none_say_nothing() -> None:
    """u0 has 3 ratings, and u1 has no fewer than 100, both four times as noisy as the others."""
    std = np.where(np.arange(N_USERS) < 2, 4.0, 1.0)
    train = _ratings(45_000, std, np.ones(N_ITEMS))
    rows = np.flatnonzero(train.user_idx != 0)
    rows = np.append(rows, np.flatnonzero(train.user_idx == 0)[:3])
    variances = residual_variance_of(train.take(rows))
    middle = np.median(variances.user)
    assert 1 < variances.user[0] / middle < 0.6 * variances.user[1] / middle
    assert variances.user[1] / middle == pytest.approx(16, rel=0.35)


def test_users_who_differ_by_chance_alone_are_taken_for_alike() -> None:
    variances = residual_variance_of(_ratings(30_000, np.ones(N_USERS), np.ones(N_ITEMS)))
    assert variances.user.std() / variances.user.mean() < 0.03  # unshrunk: 0.14
    assert variances.item.std() < 0.03


def test_worlds_too_small_to_tell_users_apart(rated: Callable[..., Interactions]) -> None:
    for rows in (
        [(0, 0, 3)],
        [(0, 0, 1), (0, 1, 5)],  # one user
        [(0, 0, 1), (1, 1, 5), (2, 2, 2)],  # a rating each
        [(0, 0, 3), (0, 1, 3), (1, 0, 3), (1, 1, 3)],  # no errors
    ):
        variances = residual_variance_of(rated(rows))
        assert (variances.user == variances.user[0]).all()
        assert (variances.item == 1).all()
