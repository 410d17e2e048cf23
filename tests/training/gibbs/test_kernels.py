from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import pytest

from recsys.training.gibbs import simd_intrinsics as lanes
from recsys.training.gibbs.kernels import draw_implicit_kernel, draw_rows_kernel
from recsys.training.gibbs.simd_intrinsics import (
    EDGE,
    LANES,
    TILE,
    cholesky,
    copy_row,
    gram_edge,
    gram_edges,
    gram_tile,
    gram_tiles,
    move_rows,
    solve_transposed,
    sum_rows,
)
from recsys.training.gibbs.sweep import wide
from recsys.training.simd import WIDTH, take

DIMS = (1, 2, 7, 8, 20, 33, 64)
Arrays = tuple[Any, ...]


@numba.njit  # type: ignore[untyped-decorator]
def tiled_gram(x: Any, count: int, gram: Any) -> None:
    for a in range(0, gram.shape[0], TILE):
        is_edge = gram.shape[0] - a <= EDGE
        for b in range(0, gram.shape[1], 2 * TILE):
            if b + TILE < gram.shape[1] and is_edge:
                gram_edges(x, count, a, b, gram)
            elif b + TILE < gram.shape[1]:
                gram_tiles(x, count, a, b, gram)
            elif is_edge:
                gram_edge(x, count, a, b, gram)
            else:
                gram_tile(x, count, a, b, gram)


@numba.njit  # type: ignore[untyped-decorator]
def factored(lower: Any, n: int) -> None:
    cholesky(lower, n)


@numba.njit  # type: ignore[untyped-decorator]
def solved(lower: Any, n: int, right: Any) -> None:
    solve_transposed(lower, n, right)


@numba.njit  # type: ignore[untyped-decorator]
def copied(source: Any, row: int, target: Any, to: int) -> None:
    copy_row(source, row, target, to)


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def taken_numbers(counter: Any, mine: Any) -> None:
    for k in range(len(mine)):
        mine[k] = take(counter)


@numba.njit  # type: ignore[untyped-decorator]
def summed(rows: Any, idx: Any, begin: int, end: int, total: Any) -> None:
    sum_rows(rows, idx, begin, end, total)


@numba.njit  # type: ignore[untyped-decorator]
def moved(rows: Any, idx: Any, begin: int, end: int, scale: Any, step: Any) -> None:
    move_rows(rows, idx, begin, end, scale, step)


@pytest.mark.parametrize("rows", [8, 10, 16, 66, 72])
@pytest.mark.parametrize("count", [0, 1, 7, 500])
def test_tiles_are_the_gram_matrix_of_the_first_rows(rows: int, count: int) -> None:
    x = np.random.default_rng(count).normal(size=(501, -(-rows // TILE) * TILE)).astype(np.float32)
    gram = np.full((rows, x.shape[1]), np.nan, np.float32)
    tiled_gram(x, count, gram)
    plain = x[:count, :rows].astype(np.float64).T @ x[:count]
    np.testing.assert_allclose(gram, plain, atol=1e-3)


def test_two_tiles_side_by_side_are_the_same_bits_with_narrow_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = []
    for is_wide in (True, False):
        monkeypatch.setattr(lanes, "_has_wide_vectors", lambda is_wide=is_wide: is_wide)
        tiles = lanes._tile(TILE, 2 * TILE)

        @numba.njit  # type: ignore[untyped-decorator]
        def gram(x: Any, count: int, gram: Any, tiles: Any = tiles) -> None:
            tiles(x, count, 8, 0, gram)

        x, out = np.random.default_rng(0).normal(size=(50, 16)).astype(np.float32), np.zeros((16, 16), np.float32)
        gram(x, 50, out)
        outputs.append(out)
    np.testing.assert_array_equal(*outputs)
    np.testing.assert_allclose(outputs[0][8:], x[:, 8:].T @ x, atol=1e-3)


@pytest.mark.parametrize("n", [1, 2, 7, 20, 33])
def test_matrices_side_by_side_are_factored_and_their_right_hand_sides_solved(n: int) -> None:
    random = np.random.default_rng(n)
    x, right = random.normal(size=(LANES, 2 * n, n)), random.normal(size=(LANES, n))
    matrices = np.swapaxes(x, 1, 2) @ x + np.eye(n)
    lower = np.ones((n + 4, n, LANES), np.float32)
    lower[:n], lower[n] = matrices.transpose(1, 2, 0), right.T
    factored(lower, n)
    both = lower[n].copy()
    solved(lower, n, both)
    for lane in range(LANES):
        plain = np.linalg.cholesky(matrices[lane])
        factor = np.tril(lower[:n, :, lane], -1) + np.diag(1 / np.diag(lower[:n, :, lane]))
        np.testing.assert_allclose(factor, plain, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(lower[n, :, lane], np.linalg.solve(plain, right[lane]), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(both[:, lane], np.linalg.solve(matrices[lane], right[lane]), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("n_tiles", [1, 3])
def test_a_row_is_copied_and_nothing_else(n_tiles: int) -> None:
    source = np.arange(4 * n_tiles * TILE, dtype=np.float32).reshape(4, -1)
    target = np.zeros((5, n_tiles * TILE), np.float32)
    copied(source, 1, target, 3)
    assert (target[3] == source[1]).all()
    assert not target[[0, 1, 2, 4]].any()


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (3, 4), (1, 5), (0, 50), (2, 49)])
def test_rows_are_summed_and_moved_as_by_plain_indexing(begin: int, end: int) -> None:
    random = np.random.default_rng(end)
    rows, scale, step = (random.normal(size=s).astype(np.float32) for s in ((20, WIDTH), 20, WIDTH))
    idx = random.integers(0, 20, 50).astype(np.int32)
    total, chosen = np.full(WIDTH, np.nan, np.float32), idx[begin:end]
    summed(rows, idx, begin, end, total)
    np.testing.assert_allclose(total, rows[chosen].sum(axis=0), atol=1e-4)
    expected = rows.copy()
    np.add.at(expected, chosen, scale[chosen][:, None] * step)
    moved(rows, idx, begin, end, scale, step)
    np.testing.assert_allclose(rows, expected, atol=1e-4)


def world(dim: int, n: int = 9, n_other: int = 12) -> dict[str, Any]:
    """`n` users with 0 to 8 ratings each, and rows of the items."""
    random = np.random.default_rng(dim)
    counts = np.arange(n) % 9
    start = np.concatenate([[0], np.cumsum(counts)])
    normal = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    return {
        "start": start,
        "idx": random.integers(0, n_other, start[-1]).astype(np.int32),
        "rating": normal(start[-1]),
        "features": wide(normal(n_other, dim + 2), TILE),
        "mean": normal(n, dim + 1),
        "precision": np.exp(normal(dim + 1)),
        "noise_precision": np.exp(normal(n)),
        "normal": normal(n, dim + 1),
    }


def drawn(w: dict[str, Any], cuts: Sequence[int] = (0, 4, 9), taken: int = 0) -> tuple[Any, Any]:
    row, squares = np.full_like(w["mean"], np.nan), np.full(len(w["mean"]), np.nan, np.float32)
    names = ("start", "idx", "rating", "features", "mean", "precision", "noise_precision", "normal")
    draw_rows_kernel()(np.array(cuts), np.array([taken]), *(w[name] for name in names), row, squares)
    return row, squares


def by_hand(w: dict[str, Any], u: int) -> tuple[Any, Any, Any]:
    """A, h and the features and targets of a user."""
    at = slice(w["start"][u], w["start"][u + 1])
    given = w["features"][w["idx"][at]].astype(np.float64)
    dim = len(w["precision"]) - 1
    x, y = given[:, : dim + 1], given[:, dim] * w["rating"][at] - given[:, dim + 1]
    prior = w["precision"] / w["noise_precision"][u]
    return x.T @ x + np.diag(prior), x.T @ y + prior * w["mean"][u], (x, y)


@pytest.mark.parametrize("dim", DIMS)
def test_without_noise_a_row_is_the_least_squares_solution(dim: int) -> None:
    w = world(dim)
    w["normal"][:] = 0
    row, squares = drawn(w)
    for u in range(len(row)):
        a, h, (x, y) = by_hand(w, u)
        np.testing.assert_allclose(row[u], np.linalg.solve(a, h), rtol=2e-3, atol=2e-3)
        assert squares[u] == pytest.approx(np.square(y - x @ row[u]).sum(), rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("dim", [1, 20])
def test_the_noise_of_a_row_has_the_posterior_covariance(dim: int) -> None:
    w = world(dim)
    still = world(dim)
    still["normal"][:] = 0
    moved = drawn(w)[0] - drawn(still)[0]
    for u in range(len(moved)):
        a, _, _ = by_hand(w, u)
        factor = np.linalg.cholesky(a)
        spread = np.linalg.solve(factor.T, w["normal"][u]) / np.sqrt(w["noise_precision"][u])
        np.testing.assert_allclose(moved[u], spread, rtol=2e-3, atol=2e-3)


def test_only_the_rows_of_chunks_that_are_left_are_drawn() -> None:
    row, squares = drawn(world(3), cuts=(0, 2, 4, 6), taken=1)
    assert np.isnan(row).any(axis=1).tolist() == np.isnan(squares).tolist() == [True] * 2 + [False] * 4 + [True] * 3


def test_how_rows_are_cut_into_chunks_changes_no_bit() -> None:
    w = world(20)
    whole, parts = drawn(w, cuts=(0, 9)), drawn(w, cuts=(0, 1, 5, 5, 9))
    for array, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(array, other)


def test_every_number_is_taken_by_one_thread_alone() -> None:
    counter, kept = np.zeros(1, np.int64), np.zeros((4, 100_000), np.int64)
    taken_numbers(counter, kept[0, :0])  # compiles
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda mine: taken_numbers(counter, mine), kept))
    assert np.sort(kept, axis=None).tolist() == list(range(kept.size))


@pytest.mark.parametrize("dim", [1, 20])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_shows(dim: int, bad: float) -> None:
    w = world(dim)
    w["rating"][3] = bad
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(drawn(w)[0]).all()


def test_implicit_terms_are_drawn_given_what_is_left_and_leave_the_rest() -> None:
    """Two users, three items: u0 rated 0 and 1, u1 rated 1 and 2; without noise each term is its posterior mean."""
    scale = np.full(2, 0.5**0.5, np.float32)
    start, idx = np.array([0, 1, 3, 4]), np.array([0, 0, 1, 1], np.int32)
    shared = np.array([0.5, 1.0, 0.5], np.float32)
    terms = np.array([[0.1], [0.2], [0.3]], np.float32)
    rows = np.array([[1.0], [2.0]], np.float32)
    left = scale[:, None] * (rows - scale[:, None] * np.array([[0.3], [0.5]], np.float32))
    precision, own_precision, own_mean = (np.array([value], np.float32) for value in (4.0, 2.0, 0.5))
    expected = terms[:, 0].astype(np.float64)
    for j in range(3):
        users = idx[start[j] : start[j + 1]]
        rest = [rows[u, 0] - scale[u] * sum(expected[k] for k in ((0, 1), (1, 2))[u] if k != j) for u in users]
        weight = 2.0 + 4.0 * shared[j]
        expected[j] = (
            4.0 * sum(scale[u] * residual for u, residual in zip(users, rest, strict=True)) + 2.0 * 0.5
        ) / weight
    normal, left, terms = np.zeros_like(terms), wide(left, WIDTH), wide(terms, WIDTH)
    draw_implicit_kernel()(start, idx, scale**2, shared, precision, own_precision, own_mean, normal, left, terms)
    np.testing.assert_allclose(terms[:, 0], expected, rtol=1e-5)
    sums = np.array([expected[0] + expected[1], expected[1] + expected[2]])
    np.testing.assert_allclose(left[:, 0], scale * (rows[:, 0] - scale * sums), rtol=1e-5)
