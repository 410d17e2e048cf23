"""Forward filtering, backward sampling of Ornstein-Uhlenbeck paths, compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.core.jit import compiled
from recsys.training.simd import FASTMATH

SCALE_PRECISION = 4.0  # of the prior of a user's scale, N(1, 0.5²)
PATHS = (
    "void(int64, int64, int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float64[::1], float32[:, ::1], float32[::1],"
    " float32[:, ::1], float32[::1], float32[::1], float32[::1], float64[::1], float64[:, ::1], float64[::1])"
)


@cache
def draw_paths_kernel() -> Callable[..., None]:
    """(first, end, start, rated, idx, rating, user_row, item_row, precision, item_noise_precision, rho, fresh,
    variance, normal, normal_of_scale, state, scale, total, level, squares, gram, right) → None.

    Draws state[m] for the moments m of the users first … end − 1, one path after the other given the others. With
    w = precision[u] · item_noise_precision[i] and e the rest of a rating once its rows and the other paths are taken
    off it, e is N(c x, 1 / w), where c = scale[u]; those of one moment count together. Forward, x given what was rated
    up to a moment is N(m, p); backward, it is drawn given the one after it. Then scale[u] is drawn given the paths,
    with e the rest of a rating with its drift in it and D the sum of the paths, from N(b / a, 1 / a),

        a = Σ w D² + SCALE_PRECISION,  b = Σ w D e + SCALE_PRECISION

    Writes the drift, c D, to total[m], the user's bias and mean product to level[u], and adds
    Σ (x − ρ x_before)² / (1 − ρ²) of each path to `squares`, and Σ w c² x xᵀ and Σ w c x e, where e has the drift in
    it, to `gram` and `right`.
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
    normal_of_scale: Any,
    state: Any,
    scale: Any,
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
    own, with_drift = np.empty(most), np.empty(most)  # of a moment: Σ w, and Σ w e with the drift in it
    weight, rest = np.empty(most), np.empty(most)  # Σ w c², and Σ w c e with all paths taken off
    mean, left = np.empty(most), np.empty(most)  # of a moment: m and p
    for u in range(first, end):
        begin, n = start[u], start[u + 1] - start[u]
        sum_of_products = 0.0
        c = np.float64(scale[u])
        for m in range(n):
            own[m] = with_drift[m] = 0.0
            for t in range(rated[begin + m], rated[begin + m + 1]):
                i = idx[t]
                product = 0.0
                for f in range(dim):
                    product += user_row[u, f] * item_row[i, f]
                sum_of_products += product
                score = user_row[u, dim] + item_row[i, dim] + product
                w = precision[u] * item_noise_precision[i]
                own[m] += w
                with_drift[m] += w * (rating[t] - score)
            weight[m] = c * c * own[m]
            rest[m] = c * (with_drift[m] - own[m] * total[begin + m])
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
        a = b = SCALE_PRECISION
        for m in range(n):
            x = 0.0
            for k in range(n_paths):
                x += state[begin + m, k]
            total[begin + m] = x
            a += own[m] * x * x
            b += with_drift[m] * x
        c = b / a + normal_of_scale[u - first] / np.sqrt(a)
        scale[u] = c
        for m in range(n):
            total[begin + m] *= c
            y, w = c * with_drift[m], c * c * own[m]
            for k in range(n_paths):
                right[k] += state[begin + m, k] * y
                for other in range(n_paths):
                    gram[k, other] += w * state[begin + m, k] * state[begin + m, other]
