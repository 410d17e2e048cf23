"""Draws from what of a normal distribution lies beyond a limit, compiled."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from recsys.training.jit import compiled
from recsys.training.vectors import FASTMATH

BEYOND = (
    "void(int64[::1], int64[::1], int32[::1], float32[::1], float32[:, ::1], float32[:, ::1], float32[::1],"
    " float32[::1], int64, float64, float64[::1], float32[::1])"
)
N_STEPS = 4  # of Newton's method: the error is then less than 1e-6
LEAST = 1e-300  # a probability that still has a logarithm


@cache
def draw_beyond_kernel() -> Callable[..., None]:
    """(at, user, idx, offset, user_row, item_row, precision, item_precision, sign, limit, uniform, rating) → None.

    For each place t = at[k], with u = user[k] and i = idx[t], draws rating[t] ~ N(offset[k] + the score of u and i,
    1 / (precision[u] · item_precision[i])), where it lies above `limit` (sign 1) or below it (sign −1).

    The draw inverts the probability Q(x) of a standard normal number above x. As log Q is concave, Newton's method
    falls to the x where Q(x) = q from any point above it, such as √(−2 log 2q).
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
        x = math.sqrt(max(-2.0 * math.log(2.0 * q), 0.0))
        for _ in range(N_STEPS):
            tail = max(0.5 * math.erfc(x / math.sqrt(2.0)), LEAST)
            x += math.log(tail / q) * tail * math.sqrt(2.0 * math.pi) * math.exp(0.5 * x * x)
        x = max(x if above < 0.5 else -x, least)
        rating[t] = score + sign * x / root
