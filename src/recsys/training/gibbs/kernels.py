"""The loops of the sampler in which it spends its time, compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.core.jit import compiled
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
from recsys.training.simd import FASTMATH, WIDTH, take

f32 = np.float32

ROWS = (
    "void(int64[::1], int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float32[::1],"
    " float32[::1], float32[:, ::1], float32[:, ::1], float32[::1])"
)
IMPLICIT = (
    "void(int64[::1], int32[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32[::1],"
    " float32[:, ::1], float32[:, ::1], float32[:, ::1])"
)
MOMENTS = "void(float32[:, :], float32[::1], float64[::1], float64[::1])"


@cache
def draw_rows_kernel() -> Callable[..., None]:
    """(tasks, taken, start, idx, rating, features, mean, precision, noise_precision, normal, row, squares) → None.

    Draws row[u] for the users from tasks[t] to tasks[t + 1] − 1, given the rows of the items: for each t that it
    takes, beside other threads, by counting taken[0] up until no more are left. With α = noise_precision[u] and, for
    each rating of u, x = the first dim + 1 numbers of features[idx] and y = x[-1]·rating − the next,

        A = Σ x xᵀ + diag(precision) / α        row ~ N(A⁻¹ (Σ y x + precision · mean[u] / α), (α A)⁻¹)

    by the Cholesky factor of A, and writes Σ (y − row·x)² to squares[u]. Where items take the part of users, they
    change places.
    """
    return compiled(ROWS, name="gibbs_rows", fastmath=set(FASTMATH))(_draw_rows)


@cache
def draw_implicit_kernel() -> Callable[..., None]:
    """(start, idx, scale2, scale2_sum, precision, own_precision, own_mean, normal, left, implicit) → None.

    Draws implicit[j], one j after the other, given left[u] = s_u (row[u] − mean − s_u Σ_{j ∈ N(u)} implicit[j]), which
    is kept up to date; start and idx give the users of each j, scale2 is s_u², scale2_sum[j] their sum over these.
    """
    return compiled(IMPLICIT, name="gibbs_implicit", fastmath=set(FASTMATH))(_draw_implicit)


@cache
def moments_kernel() -> Callable[..., None]:
    """(rows, centre, total, square) → None: adds Σ x to total[k] and Σ (x − centre[k])² to square[k], over all rows."""
    return compiled(MOMENTS, name="gibbs_moments", fastmath=set(FASTMATH))(_moments)


def _moments(rows: Any, centre: Any, total: Any, square: Any) -> None:  # pragma: no cover - compiled
    for n in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            x = np.float64(rows[n, k])
            total[k] += x
            square[k] += (x - centre[k]) * (x - centre[k])


def _draw_rows(  # pragma: no cover - compiled  # noqa: C901 -- calls between compiled ones cost an ulp
    tasks: Any,
    taken: Any,
    start: Any,
    idx: Any,
    rating: Any,
    features: Any,
    mean: Any,
    precision: Any,
    noise_precision: Any,
    normal: Any,
    row: Any,
    squares: Any,
) -> None:
    n, dim = row.shape
    wide = features.shape[1]
    most = 0
    for u in range(n):
        most = max(most, start[u + 1] - start[u])
    x = np.empty((most, wide), f32)  # a rating each: its features, then its target, then zeros
    gram = np.empty((wide, wide), f32)
    lower = np.ones((dim + 4, dim, LANES), f32)
    drawn = np.empty((dim, LANES), f32)
    task = take(taken)
    while task < len(tasks) - 1:
        end = tasks[task + 1]
        for group in range(tasks[task], end, LANES):  # of users whose matrices are factored side by side
            n_lanes = min(LANES, end - group)
            for lane in range(n_lanes):
                u = group + lane
                begin, count = start[u], start[u + 1] - start[u]
                for t in range(count):
                    j = idx[begin + t]
                    copy_row(features, j, x, t)
                    x[t, dim] = features[j, dim - 1] * rating[begin + t] - features[j, dim]
                for a in range(0, dim + 1, TILE):
                    is_edge = dim + 1 - a <= EDGE
                    for b in range(0, a + 1, 2 * TILE):
                        if b < a and is_edge:
                            gram_edges(x, count, a, b, gram)
                        elif b < a:
                            gram_tiles(x, count, a, b, gram)
                        elif is_edge:
                            gram_edge(x, count, a, b, gram)
                        else:
                            gram_tile(x, count, a, b, gram)
                for a in range(dim + 1):
                    for b in range(min(a + 1, dim)):
                        lower[a, b, lane] = gram[a, b]
                squares[u] = gram[dim, dim]
                for k in range(dim):
                    prior = precision[k] / noise_precision[u]
                    lower[k, k, lane] += prior
                    lower[dim, k, lane] += prior * mean[u, k]
            cholesky(lower, dim)
            for lane in range(n_lanes):
                u = group + lane
                spread = f32(1) / np.sqrt(noise_precision[u])
                for k in range(dim):
                    drawn[k, lane] = lower[dim, k, lane] + spread * normal[u, k]
            solve_transposed(lower, dim, drawn)
            for lane in range(n_lanes):
                u = group + lane
                total = squares[u]
                spread = f32(1) / np.sqrt(noise_precision[u])
                for k in range(dim):
                    prior, noise = precision[k] / noise_precision[u], spread * normal[u, k]
                    value, solved = drawn[k, lane], lower[dim, k, lane]
                    total += prior * value * (f32(2) * mean[u, k] - value) + noise * noise - solved * solved
                    row[u, k] = value
                squares[u] = max(total, f32(0))
        task = take(taken)


def _draw_implicit(  # pragma: no cover - compiled
    start: Any,
    idx: Any,
    scale2: Any,
    scale2_sum: Any,
    precision: Any,
    own_precision: Any,
    own_mean: Any,
    normal: Any,
    left: Any,
    implicit: Any,
) -> None:
    n, width = normal.shape
    total = np.empty(WIDTH, f32)
    step = np.zeros(WIDTH, f32)
    for j in range(n):
        shared = scale2_sum[j]
        sum_rows(left, idx, start[j], start[j + 1], total)
        for k in range(width):
            both = own_precision[k] + precision[k] * shared
            all_left = total[k] + shared * implicit[j, k]
            mean = (precision[k] * all_left + own_precision[k] * own_mean[k]) / both
            new = mean + normal[j, k] / np.sqrt(both)
            step[k] = implicit[j, k] - new
            implicit[j, k] = new
        move_rows(left, idx, start[j], start[j + 1], scale2, step)
