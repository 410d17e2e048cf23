"""Forward filtering, backward sampling of Ornstein-Uhlenbeck paths, compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.core.jit import compiled
from recsys.training.simd import FASTMATH

PATHS = (
    "void(int64, int64, int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float64[::1], float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[::1], float64[::1], float64[:, ::1], float64[::1])"
)


@cache
def draw_paths_kernel() -> Callable[..., None]:
    """(first, end, start, rated, idx, rating, user_row, item_row, precision, item_noise_precision, rho, fresh,
    variance, normal, state, total, level, squares, gram, right) → None.

    Draws state[m] for the moments m of the users first … end − 1, one path after the other given the others. With
    w = precision[u] · item_noise_precision[i] and e the rest of a rating once its rows and the other paths are taken
    off it, a rating is N(x, 1 / w) about e; those of one moment count together. Forward, x given what was rated up to
    a moment is N(m, p); backward, it is drawn given the one after it. Writes the sum over paths to total[m], the
    user's bias and mean product to level[u], and adds Σ (x − ρ x_before)² / (1 − ρ²) of each path to `squares`, and
    Σ w x xᵀ and Σ w x e, where e has no paths taken off, to `gram` and `right`.
    """
    return compiled(PATHS, name="gibbs_drift", fastmath=set(FASTMATH))(_draw_paths)


def _draw_paths(  # pragma: no cover - compiled  # noqa: C901 -- calls between compiled ones cost an ulp
    first: Any,
    end: Any,
    start: Any,
    rated: Any,
    idx: Any,
    rating: Any,
    user_row: Any,
    item_row: Any,
    precision: Any,
    item_noise_precision: Any,
    rho: Any,
    fresh: Any,
    variance: Any,
    normal: Any,
    state: Any,
    total: Any,
    level: Any,
    squares: Any,
    gram: Any,
    right: Any,
) -> None:
    dim, n_paths = user_row.shape[1] - 1, state.shape[1]
    most = 0
    for u in range(first, end):
        most = max(most, start[u + 1] - start[u])
    weight, rest = np.empty(most), np.empty(most)  # of a moment: Σ w, and Σ w e with all paths taken off
    mean, left = np.empty(most), np.empty(most)  # of a moment: m and p
    for u in range(first, end):
        begin, n = start[u], start[u + 1] - start[u]
        sum_of_products = 0.0
        for m in range(n):
            weight[m] = rest[m] = 0.0
            for t in range(rated[begin + m], rated[begin + m + 1]):
                i = idx[t]
                product = 0.0
                for f in range(dim):
                    product += user_row[u, f] * item_row[i, f]
                sum_of_products += product
                score = user_row[u, dim] + item_row[i, dim] + product
                w = precision[u] * item_noise_precision[i]
                weight[m] += w
                rest[m] += w * (rating[t] - score - total[begin + m])
        level[u] = user_row[u, dim] + sum_of_products / max(rated[begin + n] - rated[begin], 1)
        for k in range(n_paths):
            v = variance[k]
            m_before, p_before = 0.0, 0.0
            for m in range(n):
                r, q = rho[begin + m, k], v * fresh[begin + m, k]
                predicted, p = r * m_before, r * r * p_before + q
                p /= 1.0 + p * weight[m]
                m_before = predicted + p * (rest[m] + weight[m] * (state[begin + m, k] - predicted))
                p_before = p
                mean[m], left[m] = m_before, p
            after = 0.0
            for m in range(n - 1, -1, -1):
                x, p = mean[m], left[m]
                if m < n - 1:
                    r, q = rho[begin + m + 1, k], v * fresh[begin + m + 1, k]
                    both = r * r * p + q
                    x += r * p / both * (after - r * x)
                    p *= q / both
                x += np.sqrt(p) * normal[begin - start[first] + m, k]
                if m < n - 1:
                    squares[k] += (after - r * x) ** 2 / fresh[begin + m + 1, k]
                rest[m] -= weight[m] * (x - state[begin + m, k])
                state[begin + m, k] = x
                after = x
            if n:
                squares[k] += after * after
        for m in range(n):
            x = 0.0
            for k in range(n_paths):
                x += state[begin + m, k]
            total[begin + m] = x
            y = rest[m] + weight[m] * x
            for k in range(n_paths):
                right[k] += state[begin + m, k] * y
                for other in range(n_paths):
                    gram[k, other] += weight[m] * state[begin + m, k] * state[begin + m, other]
