from __future__ import annotations

import numpy as np
import pytest

from recsys.core.types import Float64Array
from recsys.scoring.implicit.rows import RowSolver

RANDOM = np.random.default_rng(3)
ITEMS = RANDOM.normal(size=(30, 6)).astype(np.float32) * (np.arange(30) < 28)[:, None].astype(np.float32)
MEAN = RANDOM.normal(size=6)
SOLVER = RowSolver(ITEMS, 28, ITEMS.T.astype(np.float64) @ ITEMS, MEAN, unobserved_weight=0.2, regularization=0.1)


def row(items: list[int], targets: list[float]) -> Float64Array:
    start = np.array([0, len(items)])
    [solved] = SOLVER.solve(start, np.array(items, np.int32), np.array(targets, np.float32))
    return solved.astype(np.float64)


def loss(w: Float64Array, items: list[int], targets: list[float]) -> float:
    n = len(items)
    unobserved = 0.2 * n / (n + 3)
    errors, scores = targets - ITEMS[items] @ w, ITEMS @ w
    shrinkage = 0.1 * (n + unobserved * 28) * ((w - MEAN) ** 2).sum()
    return float(errors @ errors + unobserved * scores @ scores + shrinkage)


def test_without_interactions_a_row_is_the_mean_users() -> None:
    np.testing.assert_array_equal(row([], []), MEAN.astype(np.float32))


@pytest.mark.parametrize("items", [[4], [2, 9, 1], list(range(20))])
def test_a_row_is_the_minimum_of_the_stated_loss(items: list[int]) -> None:
    targets = RANDOM.uniform(0.6, 1.4, len(items)).tolist()
    solved = row(items, targets)
    least = loss(solved, items, targets)
    for _ in range(20):
        assert loss(solved + RANDOM.normal(0, 0.01, 6), items, targets) > least


def test_few_interactions_leave_a_row_nearer_to_the_mean_user_than_many() -> None:
    w = RANDOM.normal(size=6)
    distances = [np.linalg.norm(row(items, (ITEMS[items] @ w).tolist()) - MEAN) for items in ([3], list(range(25)))]
    assert distances[0] < distances[1]


def test_rows_are_solved_one_by_one() -> None:
    start, items = np.array([0, 2, 2, 5]), np.array([4, 8, 1, 2, 3], np.int32)
    solved = SOLVER.solve(start, items, np.ones(5, np.float32))
    np.testing.assert_array_equal(solved[0], row([4, 8], [1, 1]))
    np.testing.assert_array_equal(solved[1], MEAN.astype(np.float32))
    np.testing.assert_array_equal(solved[2], row([1, 2, 3], [1, 1, 1]))
    assert SOLVER.solve(np.array([0]), items[:0], np.ones(0, np.float32)).shape == (0, 6)
