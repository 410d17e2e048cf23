"""Draws from what of a normal distribution lies beyond a limit, compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.core.jit import compiled
from recsys.training.simd import FASTMATH

BEYOND = (
    "void(int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float32[::1],"
    " float32[::1], int64, float64, float64[::1], float32[::1])"
)
LEAST = 1e-300  # a probability that still has a logarithm


@cache
def draw_beyond_kernel() -> Callable[..., None]:
    """(at, user, idx, offset, user_row, item_row, precision, item_precision, sign, limit, uniform, rating) → None.

    For each place t = at[k], with u = user[k] and i = idx[t], draws rating[t] ~ N(offset[k] + the score of u and i,
    1 / (precision[u] · item_precision[i])), where it lies above `limit` (sign 1) or below it (sign −1).

    The draw inverts the probability Q(x) of a standard normal number above x: a rational approximation of √(−2 log q),
    right to 4.5e-4, and a step of Newton's method for log Q, which leaves less than 1e-6.

    Source: Abramowitz, Stegun 1964, "Handbook of Mathematical Functions", 26.2.23.
    """
    return compiled(BEYOND, name="gibbs_tobit", fastmath=set(FASTMATH))(_draw_beyond)


def _draw_beyond(  # pragma: no cover - compiled
    at: Any,
    user: Any,
    idx: Any,
    offset: Any,
    user_row: Any,
    item_row: Any,
    precision: Any,
    item_precision: Any,
    sign: Any,
    limit: Any,
    uniform: Any,
    rating: Any,
) -> None:
    dim = user_row.shape[1] - 1
    for k in range(len(at)):
        t = at[k]
        u, i = user[k], idx[t]
        product = 0.0
        for f in range(dim):
            product += user_row[u, f] * item_row[i, f]
        score = offset[k] + user_row[u, dim] + item_row[i, dim] + product
        root = np.sqrt(precision[u] * item_precision[i])
        least = sign * (limit - score) * root
        above = (1.0 - uniform[k]) * 0.5 * math.erfc(least / math.sqrt(2.0))
        q = max(min(above, 1.0 - above), LEAST)
        log_q = math.log(q)
        y = math.sqrt(-2.0 * log_q)
        x = y - (2.515517 + y * (0.802853 + y * 0.010328)) / (1.0 + y * (1.432788 + y * (0.189269 + y * 0.001308)))
        tail = max(0.5 * math.erfc(x / math.sqrt(2.0)), LEAST)
        x += (math.log(tail) - log_q) * tail * math.sqrt(2.0 * math.pi) * math.exp(0.5 * x * x)
        x = max(x if above < 0.5 else -x, least)
        rating[t] = score + sign * x / root
