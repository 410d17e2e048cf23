"""The loop in which implicit ALS spends its time, compiled: rows solved by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.core.jit import compiled
from recsys.training.ials.simd_intrinsics import GROUP, add_interactions, times_gramian
from recsys.training.simd import FASTMATH, WIDTH, take

f32 = np.float32

N_STEPS = 3  # from the last epoch's solution; more of them cost time and rank no better
SOLVED = f32(1e-20)  # |residual|² from which on a row is left as it is

SOLVE = (
    "void(int64[::1], int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[:, ::1])"
)


@cache
def solve_rows_kernel() -> Callable[..., None]:
    """(bounds, taken, start, idx, target, other, gramian, penalty, rows) → None.

    For the users from bounds[p] to bounds[p + 1] − 1, given the rows h of the items: N_STEPS steps of conjugate
    gradients from rows[u] towards the solution of

        (Σ h hᵀ + gramian + penalty[u]) rows[u] = Σ target h        sums over the interactions of u

    for each p that it takes, beside other threads, by counting taken[0] up until no more are left. Each row is solved
    by itself, in an order that is always the same. start and idx are the interactions by user, and widths a multiple
    of WIDTH. Where items take the part of users, they change places.

    Source: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit feedback
    collaborative filtering" (RecSys).
    """
    return compiled(SOLVE, name="ials_rows", fastmath=set(FASTMATH))(_solve_rows)


def _solve_rows(  # pragma: no cover - compiled  # noqa: C901 -- calls between compiled ones cost an ulp
    bounds: Any,
    taken: Any,
    start: Any,
    idx: Any,
    target: Any,
    other: Any,
    gramian: Any,
    penalty: Any,
    rows: Any,
) -> None:
    width = rows.shape[1]
    buffer = np.zeros(4 * GROUP * width + WIDTH, f32)
    first = -(np.int64(buffer.ctypes.data) // 4) % WIDTH  # vectors that cross no cache line
    scratch = buffer[first : first + 4 * GROUP * width].reshape((4, GROUP, width))
    solution, residual, direction, product = scratch[0], scratch[1], scratch[2], scratch[3]
    squares = np.zeros(GROUP, f32)
    part = take(taken)
    while part < len(bounds) - 1:
        end = bounds[part + 1]
        for group in range(bounds[part], end, GROUP):
            n_rows = min(GROUP, end - group)
            for r in range(n_rows):
                for k in range(width):
                    solution[r, k] = rows[group + r, k]
            times_gramian(solution, gramian, product)
            for r in range(n_rows):
                u = group + r
                add_interactions(other, idx, target, start[u], start[u + 1], f32(1), solution, r, product)
                total = f32(0)
                for k in range(width):
                    value = -product[r, k] - penalty[u] * solution[r, k]
                    residual[r, k] = value
                    direction[r, k] = value
                    total += value * value
                squares[r] = total
            for _ in range(N_STEPS):
                times_gramian(direction, gramian, product)
                for r in range(n_rows):
                    if squares[r] <= SOLVED:
                        continue
                    u = group + r
                    add_interactions(other, idx, target, start[u], start[u + 1], f32(0), direction, r, product)
                    curvature = f32(0)
                    for k in range(width):
                        value = product[r, k] + penalty[u] * direction[r, k]
                        product[r, k] = value
                        curvature += value * direction[r, k]
                    step = squares[r] / curvature
                    total = f32(0)
                    for k in range(width):
                        solution[r, k] += step * direction[r, k]
                        value = residual[r, k] - step * product[r, k]
                        residual[r, k] = value
                        total += value * value
                    ratio = total / squares[r]
                    for k in range(width):
                        direction[r, k] = residual[r, k] + ratio * direction[r, k]
                    squares[r] = total
            for r in range(n_rows):
                for k in range(width):
                    rows[group + r, k] = solution[r, k]
        part = take(taken)
