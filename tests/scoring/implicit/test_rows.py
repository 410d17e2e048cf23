from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from recsys.core.types import Float64Array
from recsys.data.grouped import GroupedView
from recsys.scoring.implicit.moments import Moments
from recsys.scoring.implicit.rows import FixedSide, ItemRows, UserRows

RANDOM = np.random.default_rng(3)
FIXED = RANDOM.normal(size=(30, 6)).astype(np.float32) * (np.arange(30) < 28)[:, None].astype(np.float32)
SIDE = FixedSide(FIXED, 28, FIXED.T.astype(np.float64) @ FIXED, unobserved_weight=0.2, regularization=0.1)
MEAN = RANDOM.normal(size=6)
SEEN = GroupedView(np.arange(0, 84, 4), RANDOM.integers(0, 28, 80).astype(np.int32), None)
MOMENTS = Moments.of(RANDOM.normal(size=(20, 6)).astype(np.float32), FIXED, SEEN)
USERS, ITEMS = UserRows(SIDE, MEAN, MOMENTS), ItemRows(SIDE, MEAN)
BOTH = pytest.mark.parametrize("solver", [USERS, ITEMS], ids=["users", "items"])


def row(solver: UserRows | ItemRows, idx: list[int], targets: list[float]) -> Float64Array:
    [solved] = solver.solve(np.array([0, len(idx)]), np.array(idx, np.int32), np.array(targets, np.float32))
    return solved.astype(np.float64)


def loss(
    w: Float64Array, center: Float64Array, idx: list[int], targets: list[float], seen: float, pull: float
) -> float:
    errors, scores = targets - FIXED[idx] @ w, FIXED @ w
    shrinkage = pull * 0.1 * (len(idx) + seen * 0.2 * 28) * ((w - center) ** 2).sum()
    return float(errors @ errors + seen * 0.2 * scores @ scores + shrinkage)


def of_user(w: Float64Array, idx: list[int], targets: list[float]) -> float:
    n = len(idx)
    center = MEAN + MOMENTS.gain(n) @ (np.array(targets) @ FIXED[idx] - n * MOMENTS.mean_item)
    return loss(w, center, idx, targets, seen=1, pull=1 + 100 / n)


def of_item(w: Float64Array, idx: list[int], targets: list[float]) -> float:
    return loss(w, MEAN, idx, targets, seen=len(idx) / (len(idx) + 3), pull=1)


@BOTH
def test_without_interactions_a_row_is_the_mean_one(solver: UserRows | ItemRows) -> None:
    np.testing.assert_array_equal(row(solver, [], []), MEAN.astype(np.float32))


@pytest.mark.parametrize(("solver", "loss_of"), [(USERS, of_user), (ITEMS, of_item)], ids=["users", "items"])
@pytest.mark.parametrize("idx", [[4], [2, 9, 1], list(range(20))])
def test_a_row_is_the_minimum_of_the_stated_loss(
    solver: UserRows | ItemRows, loss_of: Callable[..., float], idx: list[int]
) -> None:
    targets = RANDOM.uniform(0.6, 1.4, len(idx)).tolist()
    solved = row(solver, idx, targets)
    least = loss_of(solved, idx, targets)
    for _ in range(20):
        assert loss_of(solved + RANDOM.normal(0, 0.01, 6), idx, targets) > least


def test_few_interactions_leave_an_items_row_nearer_to_the_mean_item_than_many() -> None:
    w = RANDOM.normal(size=6)
    distances = [np.linalg.norm(row(ITEMS, idx, (FIXED[idx] @ w).tolist()) - MEAN) for idx in ([3], list(range(25)))]
    assert distances[0] < distances[1]


def test_one_interaction_says_what_others_who_have_it_are_like() -> None:
    kinds = np.repeat([[1.0, 0.2], [0.2, 1.0]], 10, axis=0).astype(np.float32)  # each likes the items of its kind
    met = [RANDOM.permutation(10)[:4] + 10 * (user // 10) for user in range(20)]
    seen = GroupedView(np.arange(0, 84, 4), np.concatenate(met).astype(np.int32), None)
    side = FixedSide(kinds, 20, kinds.T.astype(np.float64) @ kinds, unobserved_weight=0.2, regularization=0.1)
    solver = UserRows(side, kinds.mean(axis=0).astype(np.float64), Moments.of(kinds, kinds, seen))
    scores = kinds @ row(solver, [3], [1.0])
    assert scores[:10].min() > 1.5 * scores[10:].max()


@BOTH
def test_rows_are_solved_one_by_one(solver: UserRows | ItemRows) -> None:
    start, idx = np.array([0, 2, 2, 5]), np.array([4, 8, 1, 2, 3], np.int32)
    solved = solver.solve(start, idx, np.ones(5, np.float32))
    np.testing.assert_array_equal(solved[0], row(solver, [4, 8], [1, 1]).astype(np.float32))
    np.testing.assert_array_equal(solved[1], MEAN.astype(np.float32))
    np.testing.assert_array_equal(solved[2], row(solver, [1, 2, 3], [1, 1, 1]).astype(np.float32))
    assert solver.solve(np.array([0]), idx[:0], np.ones(0, np.float32)).shape == (0, 6)


@pytest.mark.parametrize("kind", [UserRows, ItemRows])
def test_a_row_goes_towards_the_center_that_is_given(kind: type[UserRows | ItemRows]) -> None:
    centers, rest = RANDOM.normal(size=(3, 6)), (MOMENTS,) if kind is UserRows else ()
    start, idx, target = np.array([0, 0, 2, 5]), np.array([4, 1, 2, 9, 1], np.int32), np.ones(5, np.float32)
    together = kind(SIDE, MEAN, *rest).solve(start, idx, target, centers)  # type: ignore[call-arg,arg-type]
    np.testing.assert_array_equal(together[0], centers[0].astype(np.float32))
    for number, (first, last) in enumerate(pairwise(start.tolist())):
        alone = row(kind(SIDE, centers[number], *rest), idx[first:last].tolist(), [1.0] * (last - first))  # type: ignore[call-arg,arg-type]
        np.testing.assert_array_equal(together[number], alone.astype(np.float32))
