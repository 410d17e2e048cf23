from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.threads import Workers
from recsys.core.types import Float32Array, Float64Array
from recsys.training.ials import rows as module
from recsys.training.ials import systems as ranges
from recsys.training.ials.kernels import N_STEPS
from recsys.training.ials.rows import aligned, gramian, solve_rows
from recsys.training.ials.systems import Systems
from recsys.training.simd import WIDTH

from .worlds import World, scattered

DIMS = (1, 7, 16, 33, 64, 100)
N_ITEMS, UNOBSERVED, REGULARIZATION = 40, 0.3, 0.02


def sides(world: World, dim: int) -> tuple[Systems, Float32Array, Float32Array]:
    """The users' systems, the rows of items, and rows of users to begin with."""
    random = np.random.default_rng(1)
    first = [random.normal(0, 0.3, (n, dim)).astype(np.float32) for n in (world.n_items, world.n_users)]
    return Systems.of(world.views()[0], world.target), *map(aligned, first)


def dense_system(world: World, u: int, items: Float32Array) -> tuple[Float64Array, Float64Array]:
    """A and b of A w = b for one user, in float64."""
    h, of_user = items.astype(np.float64), world.user == u
    met, target = h[world.item[of_user]], world.target[of_user].astype(np.float64)
    penalty = REGULARIZATION * (len(met) + UNOBSERVED * N_ITEMS)
    return met.T @ met + UNOBSERVED * h.T @ h + penalty * np.eye(h.shape[1]), met.T @ target


def conjugate_gradients(a: Float64Array, b: Float64Array, w: Float64Array, n_steps: int) -> Float64Array:
    residual = b - a @ w
    direction = residual
    for _ in range(n_steps):
        step = residual @ residual / (direction @ a @ direction)
        w, rest = w + step * direction, residual - step * a @ direction
        direction, residual = rest + rest @ rest / (residual @ residual) * direction, rest
    return w


@pytest.mark.parametrize("dim", DIMS)
def test_a_row_takes_three_steps_of_conjugate_gradients(dim: int) -> None:
    world = scattered()
    systems, items, users = sides(world, dim)
    solved = users.copy()
    solve_rows(systems, items, solved, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(1))
    for u in range(world.n_users):
        wanted = conjugate_gradients(*dense_system(world, u, items), users[u].astype(np.float64), min(N_STEPS, dim))
        np.testing.assert_allclose(solved[u], wanted, atol=2e-5)
    assert not solved[:, dim:].any()


@pytest.mark.parametrize("dim", [7, 64])
def test_repeated_steps_arrive_at_the_solution(dim: int) -> None:
    world = scattered()
    systems, items, users = sides(world, dim)
    for _ in range(30):
        solve_rows(systems, items, users, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(1))
    for u in range(world.n_users):
        np.testing.assert_allclose(users[u], np.linalg.solve(*dense_system(world, u, items)), atol=2e-5)


def test_a_row_of_zeros_without_interactions_stays() -> None:
    world = scattered()
    systems, items, users = sides(world, 20)
    users[-1] = 0
    solve_rows(systems, items, users, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(1))
    assert not users[-1].any()
    assert users[:-1, :20].all()


@pytest.mark.parametrize("dim", [20, 128])
def test_many_ranges_on_one_two_and_four_threads_give_the_same_bytes(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "RANGE", 100)
    monkeypatch.setattr(module, "GRAMIAN_ROWS", 7)
    world = scattered(n_users=203, n_items=150, n=4_000)
    solved = []
    for n_threads in (1, 2, 4):
        systems, items, users = sides(world, dim)
        assert len(systems.bounds) > 20
        solve_rows(systems, items, users, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(n_threads))
        solved.append(users.tobytes())
    assert solved[0] == solved[1] == solved[2]


def test_one_range_and_many_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []
    for size in (50, 10**9):
        monkeypatch.setattr(ranges, "RANGE", size)
        systems, items, users = sides(scattered(), 33)
        solve_rows(systems, items, users, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(2))
        solved.append(users.tobytes())
    assert solved[0] == solved[1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["target", "items", "users"])
def test_a_number_that_is_not_finite_shows(bad: float, place: str) -> None:
    world = scattered()
    systems, items, users = sides(world, 33)
    {"target": systems.target[3:4], "items": items[2, 5:6], "users": users[0, 1:2]}[place][:] = bad
    solve_rows(systems, items, users, N_ITEMS, UNOBSERVED, REGULARIZATION, Workers(1))
    assert not np.isfinite(users[0, 0])


@pytest.mark.parametrize("n", [1, 8, 45])
def test_the_gramian_is_that_of_numpy(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRAMIAN_ROWS", 8)
    rows = aligned(np.random.default_rng(2).normal(size=(n, 20)).astype(np.float32))
    exact = rows.astype(np.float64)
    np.testing.assert_allclose(gramian(rows, Workers(2)), exact.T @ exact, atol=1e-4)


def test_aligned_rows_begin_with_a_cache_line_and_end_with_zeros() -> None:
    rows: Any = np.arange(15, dtype=np.float32).reshape(3, 5)
    copy = aligned(rows)
    assert copy.shape == (3, WIDTH)
    assert copy.ctypes.data % 64 == 0
    assert copy.flags.c_contiguous
    np.testing.assert_array_equal(copy[:, :5], rows)
    assert not copy[:, 5:].any()
