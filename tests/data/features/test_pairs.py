"""Columns for pairs of categories."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from recsys.data.features import matrix, pairs
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.pairs import frequent_pairs, with_pairs

HAS = np.random.default_rng(1).random((60, 6)) < np.array([0.9, 0.5, 0.4, 0.3, 0.6, 0.05])
DENSE = HAS / np.sqrt(np.maximum(HAS.sum(axis=1, keepdims=True), 1)).astype(np.float32)
IS_CATEGORY = np.array([True, True, True, True, False, True])


@pytest.fixture(params=[matrix.MOST_TERMS, 5])
def features(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FeatureMatrix:
    monkeypatch.setattr(matrix, "MOST_TERMS", request.param)
    row, column = np.nonzero(HAS)
    return FeatureMatrix.of_entries(row, column, DENSE[row, column], DENSE.shape)


def most_frequent(n: int) -> list[list[int]]:
    """By their definition."""
    categories = np.flatnonzero(IS_CATEGORY).tolist()
    n_rows = {pair: int(HAS[:, list(pair)].all(axis=1).sum()) for pair in combinations(categories, 2)}
    best = sorted((pair for pair in n_rows if n_rows[pair] >= 2), key=lambda pair: (-n_rows[pair], pair))
    return sorted(map(list, best[:n]))


def test_the_most_frequent_pairs_of_categories_are_found(features: FeatureMatrix) -> None:
    assert frequent_pairs(features, IS_CATEGORY).tolist() == most_frequent(len(HAS) // 10)
    assert frequent_pairs(features, np.zeros(6, dtype=bool)).shape == (0, 2)
    assert frequent_pairs(FeatureMatrix.empty(0, 6), IS_CATEGORY).shape == (0, 2)


@pytest.mark.parametrize(("bound", "value", "n"), [("MOST_PAIRS", 2, 2), ("PAIRS_OF_A_ROW", 0.5, 1)])
def test_pairs_are_bounded(
    features: FeatureMatrix, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, n: int
) -> None:
    monkeypatch.setattr(pairs, bound, value)
    assert frequent_pairs(features, IS_CATEGORY).tolist() == most_frequent(n)


def test_only_the_most_frequent_categories_are_paired(features: FeatureMatrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_CATEGORIES", 2)
    assert frequent_pairs(features, IS_CATEGORY).tolist() == [[0, 1]]


def test_a_pair_is_one_where_both_are(features: FeatureMatrix) -> None:
    chosen = np.array([[0, 2], [0, 3], [2, 5]], np.int32)
    alone = np.where(np.isin(np.arange(6), chosen), HAS, DENSE)
    expected = np.hstack([alone, HAS[:, chosen[:, 0]] & HAS[:, chosen[:, 1]]])
    np.testing.assert_array_equal(with_pairs(features, chosen).times(np.eye(9)), expected)
    assert with_pairs(features, chosen[:0]) is features
