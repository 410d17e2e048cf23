from __future__ import annotations

import numpy as np
import pytest

from recsys.core.types import Float32Array, Floats
from recsys.data import chunks
from recsys.scoring.implicit.targets import TargetTable


def targets_of(rating: Floats, weight: float) -> Float32Array:
    return TargetTable.of(rating, weight)(rating)


def test_targets_follow_the_mid_rank_of_the_rating() -> None:
    rating = np.array([3, 5, 3, 1], np.float32)
    mid_rank = np.array([1 + 2 / 2, 3 + 1 / 2, 1 + 2 / 2, 1 / 2]) / 4
    np.testing.assert_allclose(targets_of(rating, 0.5), (0.5 + 0.5 * mid_rank) / 0.75, rtol=1e-6)
    np.testing.assert_allclose(targets_of(rating, 1.0), 2 * mid_rank, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("scale", [[1, 2, 3, 4, 5], [0.5, 10], np.linspace(0, 100, 999), [7]])
def test_the_mean_target_is_one_on_any_scale(weight: float, scale: list[float]) -> None:
    random = np.random.default_rng(1)
    rating = random.choice(np.array(scale, np.float32), 5_000)
    rating[random.random(5_000) < 0.2] = np.nan
    assert targets_of(rating, weight).mean(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_an_interaction_without_a_rating_has_one() -> None:
    targets = targets_of(np.array([np.nan, 2, np.nan, 4], np.float32), 0.5)
    assert targets[[0, 2]].tolist() == [1, 1]
    assert targets[1] < 1 < targets[3]
    assert targets_of(np.full(3, np.nan, np.float32), 0.5).tolist() == [1, 1, 1]


def test_without_weight_ratings_are_clicks() -> None:
    assert targets_of(np.array([1, 5, 3], np.float32), 0.0).tolist() == [1, 1, 1]


def test_long_columns_are_treated_in_pieces_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rating = np.random.default_rng(1).integers(1, 6, 1_000).astype(np.float32)
    whole = targets_of(rating, 0.5)
    monkeypatch.setattr(chunks, "CHUNK", 64)
    np.testing.assert_array_equal(targets_of(rating, 0.5), whole)


def test_a_rating_between_two_of_training_lies_between_their_targets() -> None:
    table = TargetTable.of(np.array([1, 1, 2, 4, 4, 4], np.float32), 0.5)
    low, between, high = table(np.array([2, 3, 4], np.float32)).tolist()
    assert between == pytest.approx((low + high) / 2)
    assert table(np.array([0, 9], np.float32)).tolist() == table(np.array([1, 4], np.float32)).tolist()
