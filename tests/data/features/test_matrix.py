"""The sparse matrix of features against dense ones."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.data.features import matrix
from recsys.data.features.matrix import FeatureMatrix, beside

RANDOM = np.random.default_rng(1)
DENSE = np.where(RANDOM.random((40, 7)) < 0.3, RANDOM.normal(size=(40, 7)), 0).astype(np.float32).astype(np.float64)
WEIGHTS, TARGETS = RANDOM.random(40), RANDOM.normal(size=(40, 3))


@pytest.fixture(params=[matrix.MOST_TERMS, 5])
def sparse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FeatureMatrix:
    monkeypatch.setattr(matrix, "MOST_TERMS", request.param)
    row, column = np.nonzero(DENSE)
    shuffled = np.random.default_rng(2).permutation(len(row))
    row, column = row[shuffled], column[shuffled]
    return FeatureMatrix.of_entries(row, column, DENSE[row, column], DENSE.shape)


def test_products_are_those_of_the_dense_matrix(sparse: FeatureMatrix) -> None:
    np.testing.assert_allclose(sparse.times(np.eye(7)), DENSE)
    np.testing.assert_allclose(sparse.cross(WEIGHTS, TARGETS), DENSE.T @ (WEIGHTS[:, None] * TARGETS), atol=1e-12)
    np.testing.assert_allclose(sparse.gram(WEIGHTS), DENSE.T @ (WEIGHTS[:, None] * DENSE), atol=1e-12)
    np.testing.assert_array_equal(sparse.gram(WEIGHTS), sparse.gram(WEIGHTS).T)
    np.testing.assert_array_equal(sparse.column_counts, (DENSE != 0).sum(axis=0))


def test_a_row_of_minus_one_is_empty(sparse: FeatureMatrix) -> None:
    rows = np.array([3, -1, 39, 3])
    taken = sparse.take(rows)
    np.testing.assert_allclose(taken.times(np.eye(7)), np.where(rows[:, None] < 0, 0, DENSE[rows]))
    assert not taken.has_any[1]


def test_matrices_stand_beside_each_other(sparse: FeatureMatrix) -> None:
    both = beside([sparse, FeatureMatrix.empty(40, 2), sparse], 40)
    np.testing.assert_allclose(both.times(np.eye(16)), np.hstack([DENSE, np.zeros((40, 2)), DENSE]))


def test_an_empty_matrix_has_products() -> None:
    empty = FeatureMatrix.empty(3, 0)
    assert empty.times(np.zeros((0, 2))).shape == (3, 2)
    assert empty.gram(np.ones(3)).shape == (0, 0)
