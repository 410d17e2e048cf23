from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.features.matrix import FeatureMatrix
from recsys.evaluation import diversity as module
from recsys.evaluation.diversity import diversity


def matrix(dense: Array) -> FeatureMatrix:
    row, column = np.nonzero(dense)
    return FeatureMatrix.of_entries(row, column, dense[row, column], dense.shape)


def slowly(best: Array, dense: Array) -> float:
    """Pair by pair."""
    means = []
    for items in best:
        known = [dense[item] / np.linalg.norm(dense[item]) for item in items if item >= 0 and dense[item].any()]
        pairs = [1 - a @ b for at, a in enumerate(known) for b in known[:at]]
        means += [np.mean(pairs)] if pairs else []
    return float(np.mean(means))


@pytest.mark.parametrize("entries", [1, 1 << 20])
def test_it_is_the_mean_distance_over_pairs(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = rng(3, "diversity")
    dense = draw.normal(size=(30, 7)) * (draw.random((30, 7)) < 0.4)
    dense[[4, 9]] = 0
    best = np.stack([draw.permutation(30)[:6] for _ in range(20)]).astype(np.int32)
    best[:5, 3:], best[5, 1:] = -1, -1
    monkeypatch.setattr(module, "ENTRIES", entries)
    assert diversity(best, matrix(dense)) == pytest.approx(slowly(best, dense))


@pytest.mark.parametrize(
    ("best", "expected"),
    [([[0, 1]], 0.0), ([[0, 2]], 1.0), ([[0, 1, 2]], 2 / 3), ([[0, 1], [0, 2]], 0.5), ([[0, 3], [0, -1]], None)],
)
def test_lists_by_hand(best: list[list[int]], expected: float | None) -> None:
    features = matrix(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    assert diversity(np.array(best, np.int32), features) == (None if expected is None else pytest.approx(expected))


def test_items_whose_only_feature_is_0_have_no_direction() -> None:
    features = FeatureMatrix(np.array([0, 1, 2]), np.zeros(2, np.int32), np.zeros(2, np.float32), 1)
    assert diversity(np.array([[0, 1]], np.int32), features) is None
