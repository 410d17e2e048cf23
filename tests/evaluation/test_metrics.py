from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.evaluation.metrics import evaluate
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link

Rated = Callable[..., Interactions]


def always(rating: float, n_users: int = 9, n_items: int = 9) -> Factors:
    zeros = (np.zeros(n + 1, dtype=np.float32) for n in (n_users, n_items))
    empty = (np.zeros((n + 1, 0), dtype=np.float32) for n in (n_users, n_items))
    return Factors(rating, *zeros, *empty, link=Link("identity", 0, 0))


def test_rmse_and_mae_are_those_of_the_errors(rated: Rated) -> None:
    ratings = rated([(1, 1, 3.0), (1, 2, 4.0), (2, 1, 0.0), (2, 2, 2.0)])  # errors 0, −1, 3, 1
    scores = evaluate(always(3.0), ratings)
    assert scores.metrics == pytest.approx({"rmse": (11 / 4) ** 0.5, "mae": 5 / 4})
    assert scores.counts == {"n_ratings": 4, "n_unknown_users": 0, "n_unknown_items": 0}


def test_unknown_ids_are_measured_and_counted(rated: Rated) -> None:
    ratings = rated([(1, 1, 3.0), (1, 2, 4.0), (2, 1, 2.0)])
    ratings = replace(
        ratings, user_idx=np.array([0, -1, -1], dtype=np.int32), item_idx=np.array([0, -1, 1], dtype=np.int32)
    )
    scores = evaluate(always(3.0), ratings)
    assert scores.counts == {"n_ratings": 3, "n_unknown_users": 2, "n_unknown_items": 1}
    assert scores.metrics["rmse"] == pytest.approx((2 / 3) ** 0.5)


def test_sums_do_not_lose_small_errors_beside_large_ratings(rated: Rated) -> None:
    ratings = rated([(n % 7, n, 1e4 + (n % 2)) for n in range(2000)])
    assert evaluate(always(1e4, n_items=2000), ratings).metrics["mae"] == pytest.approx(0.5)
