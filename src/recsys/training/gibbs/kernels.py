"""The loops of the sampler in which it spends its time, compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.training.gibbs.gram import TILE, gram_tile
from recsys.training.jit import compiled

# "nnan" and "ninf" are left out on purpose: they would let the compiler hide numbers that are not finite.
FASTMATH = {"contract", "reassoc", "nsz", "arcp"}
f32 = np.float32

ROWS = (
    "void(int64, int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float32[::1], float32[::1],"
    " float32[:, ::1], float32[:, ::1], float32[::1])"
)
IMPLICIT = (
    "void(int64[::1], int32[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32[::1],"
    " float32[:, ::1], float32[:, ::1], float32[:, ::1])"
)


@cache
def draw_rows_kernel() -> Callable[..., None]:
    """(first, start, idx, rating, features, mean, precision, noise_precision, normal, row, squares) → None.

    Draws row[u] for the len(normal) users from `first` on, given the rows of the items. With α = noise_precision[u]
    and, for each rating of u, x = features[idx] without its last number and y = x[-1]·rating − features[idx][-1],

        A = Σ x xᵀ + diag(precision) / α        row ~ N(A⁻¹ (Σ y x + precision · mean[u] / α), (α A)⁻¹)

    by the Cholesky factor of A, and writes Σ (y − row·x)² to squares[u]. Where items take the part of users, they
    change places.
    """
    return compiled(ROWS, name="gibbs_rows", fastmath=FASTMATH)(_draw_rows)


@cache
def draw_implicit_kernel() -> Callable[..., None]:
    """(start, idx, scale2, scale2_sum, precision, own_precision, own_mean, normal, left, implicit) → None.

    Draws implicit[j], one j after the other, given left[u] = s_u (row[u] − mean − s_u Σ_{j ∈ N(u)} implicit[j]), which
    is kept up to date; start and idx give the users of each j, scale2 is s_u², scale2_sum[j] their sum over these.
    """
    return compiled(IMPLICIT, name="gibbs_implicit", fastmath=FASTMATH)(_draw_implicit)


def _draw_rows(  # pragma: no cover - compiled  # noqa: C901 -- calls between compiled ones cost an ulp
    first: Any,
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
    n, dim = normal.shape
    width = dim + 1
    most = 0
    for u in range(first, first + n):
        most = max(most, start[u + 1] - start[u])
    wide = (width + TILE - 1) // TILE * TILE
    x = np.zeros((most, wide), f32)  # a rating each: its features, then its target, then zeros
    gram = np.empty((wide, wide), f32)
    lower = np.empty((width, width), f32)
    drawn = np.empty(width, f32)
    for u in range(first, first + n):
        begin, count, alpha = start[u], start[u + 1] - start[u], noise_precision[u]
        for t in range(count):
            j = idx[begin + t]
            for k in range(dim):
                x[t, k] = features[j, k]
            x[t, dim] = features[j, dim - 1] * rating[begin + t] - features[j, dim]
        for a in range(0, wide, TILE):
            for b in range(0, a + 1, TILE):
                gram_tile(x, count, a, b, gram)
        for a in range(width):
            for b in range(a + 1):
                lower[a, b] = gram[a, b]
        for k in range(dim):
            prior = precision[k] / alpha
            lower[k, k] += prior
            lower[dim, k] += prior * mean[u, k]
        for b in range(dim):  # Cholesky; what is the right-hand side in the last row becomes L⁻¹ of it
            for a in range(b, width):
                rest = lower[a, b]
                for k in range(b):
                    rest -= lower[a, k] * lower[b, k]
                lower[a, b] = rest
            inverse = f32(1) / np.sqrt(lower[b, b])
            for a in range(b, width):
                lower[a, b] *= inverse
        spread = f32(1) / np.sqrt(alpha)
        for k in range(dim):
            drawn[k] = lower[dim, k] + spread * normal[u - first, k]
        for k in range(dim - 1, -1, -1):  # drawn = L⁻ᵀ drawn
            value = drawn[k] / lower[k, k]
            drawn[k] = value
            for b in range(k):
                drawn[b] -= value * lower[k, b]
        for k in range(dim):
            row[u, k] = drawn[k]
        drawn[dim] = f32(-1)
        total = f32(0)  # (row, −1)ᵀ gram (row, −1)
        for a in range(width):
            half = f32(0)
            for b in range(a):
                half += gram[a, b] * drawn[b]
            total += drawn[a] * (f32(2) * half + gram[a, a] * drawn[a])
        squares[u] = max(total, f32(0))


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
    n, width = implicit.shape
    total = np.empty(width, f32)
    step = np.empty(width, f32)
    for j in range(n):
        shared = scale2_sum[j]
        for k in range(width):
            total[k] = shared * implicit[j, k]
        for t in range(start[j], start[j + 1]):
            u = idx[t]
            for k in range(width):
                total[k] += left[u, k]
        for k in range(width):
            both = own_precision[k] + precision[k] * shared
            mean = (precision[k] * total[k] + own_precision[k] * own_mean[k]) / both
            new = mean + normal[j, k] / np.sqrt(both)
            step[k] = implicit[j, k] - new
            implicit[j, k] = new
        for t in range(start[j], start[j + 1]):
            u = idx[t]
            scale = scale2[u]
            for k in range(width):
                left[u, k] += scale * step[k]
