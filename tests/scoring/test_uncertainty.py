from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.scoring import uncertainty
from recsys.scoring.uncertainty import Samples

USERS, ITEMS, SAMPLES, DIM = 5, 4, 7, 3


def samples(n: int = SAMPLES) -> Samples:
    random = np.random.default_rng(0)
    return Samples(
        unit=1.5,
        noise=0.4,
        user_rows=random.normal(size=(n, USERS + 1, DIM + 1)).astype(np.float16),
        item_rows=random.normal(size=(n, ITEMS + 1, DIM + 1)).astype(np.float16),
        user_noise=random.uniform(0.5, 2, USERS + 1).astype(np.float32),
        item_noise=random.uniform(0.5, 2, ITEMS + 1).astype(np.float32),
    )


def by_hand(given: Samples, user: int, item: int) -> float:
    p, q = given.user_rows[:, user].astype(np.float64), given.item_rows[:, item].astype(np.float64)
    scores = (p[:, :-1] * q[:, :-1]).sum(axis=1) + p[:, -1] + q[:, -1]
    noise = given.noise * float(given.user_noise[user]) * float(given.item_noise[item])
    return float(given.unit * np.sqrt(scores.var(ddof=1) + noise))


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_the_variance_is_the_spread_of_the_samples_and_the_noise(chunk: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(uncertainty, "CHUNK", chunk)
    given = samples()
    user, item = np.arange(USERS, dtype=np.int32), np.arange(USERS, dtype=np.int32) % ITEMS
    wanted = [by_hand(given, *pair) for pair in zip(user.tolist(), item.tolist(), strict=True)]
    np.testing.assert_allclose(given.std(user, item), wanted, rtol=1e-5)


def test_an_unknown_id_has_the_last_row() -> None:
    given = samples()
    std = given.std(np.array([-1, 2], dtype=np.int32), np.array([1, -1], dtype=np.int32))
    np.testing.assert_allclose(std, [by_hand(given, USERS, 1), by_hand(given, 2, ITEMS)], rtol=1e-5)


def test_one_sample_leaves_the_noise_alone() -> None:
    given = samples(1)
    noise = given.noise * given.user_noise[0] * given.item_noise[0]
    assert given.std(np.array([0]), np.array([0]))[0] == pytest.approx(1.5 * np.sqrt(noise))
