"""The loop in which a fit of SVD++ spends its time: one gradient step a rating, all ratings of a row in turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import intrinsic

from recsys.core.jit import compiled
from recsys.training.sgd.kernel import AHEAD, request_row
from recsys.training.simd import FASTMATH, FLAGS, address, chunks, load, row_at, splat, sum_of, widened

SIGNATURE = (
    "float64(uint32[::1], int64[::1], uint32[::1], float32[::1], int64[::1], int64[::1], float32[:, ::1],"
    " float32[::1], float32[:, ::1], float32[::1], float32[:, ::1], float32[::1], float32[:, ::1], float32[::1],"
    " float32, float32, float32, float32, float32)"
)
ROWS_AHEAD = int(AHEAD)


@cache
def svdpp_kernel(dim: int, flipped: bool) -> Callable[..., float]:
    """The compiled function that takes one gradient step for each rating of some users.

    Where it says users and items, it takes items and users as well. With c = |N(u)|^-½, s = c Σ_{j ∈ N(u)} y_j,
    Q = item row i + what it has from users (flipped; that stays as it is), and e = rating − (p + s)·Q, biases
    included as one more factor that meets a 1, each rating of user u moves

        p ← (1 − user_lr·decay)·p + user_lr·e·Q         y_j ← (1 − item_lr·implicit_decay)·y_j + item_lr·e·c·Q
        q ← (1 − item_lr·decay)·q + item_lr·e·(p + s)          for every j in N(u)

    all from the values before the step: the gradient of ½e² + ½decay·(|p|² + |q|²) + ½bias_decay·(b_u² + b_i²) +
    ½implicit_decay·Σ_{j ∈ N(u)} |y_j|². The y_j need not be touched at each rating. Since |N(u)|·c² = 1, a step moves
    s ← κ·s + item_lr·e·Q with κ = 1 − item_lr·implicit_decay, and after all m ratings of u

        y_j ← κ^m·y_j + c·(s − κ^m·s at the start)

    which is what the m single steps come to.

    Args:
        dim: length of a row, at least 1; a constant in the machine code.
        flipped: whether the items have something from users.
    Returns:
        (rows, start, idx, rating, near_start, near, user_embedding, user_bias, item_embedding, item_bias,
        item_implicit, item_implicit_bias, from_users, from_users_bias, user_lr, item_lr, decay, bias_decay,
        implicit_decay) → sum of e² over the ratings, each e from before its step. `rows` are the users, in the order
        in which they are worked on; u has the ratings start[u] … start[u + 1] − 1 of the items idx, and N(u) is
        near[near_start[u]] … near[near_start[u + 1] − 1], at least one where u has ratings. Indices are trusted. Not
        flipped, from_users and from_users_bias may be empty.

    Source: Koren 2008, "Factorization Meets the Neighborhood" (KDD).
    """

    @compiled(SIGNATURE, name=f"svdpp_{dim}_{flipped}", fastmath=set(FASTMATH))
    def svdpp(
        rows: Any,
        start: Any,
        idx: Any,
        rating: Any,
        near_start: Any,
        near: Any,
        own: Any,
        own_bias: Any,
        other: Any,
        other_bias: Any,
        implicit: Any,
        implicit_bias: Any,
        fixed: Any,
        fixed_bias: Any,
        own_lr: Any,
        other_lr: Any,
        decay: Any,
        bias_decay: Any,
        implicit_decay: Any,
    ) -> float:
        squares, unity = 0.0, np.float32(1)
        keep_own, keep_own_bias = unity - own_lr * decay, unity - own_lr * bias_decay
        keep_other, keep_other_bias = unity - other_lr * decay, unity - other_lr * bias_decay
        keep_implicit = unity - other_lr * implicit_decay
        sums = np.zeros((2, dim), np.float32)
        first, now = np.uint32(0), np.uint32(1)
        for row in rows:
            near_from, near_to = near_start[row], near_start[row + 1]
            scale = unity / np.sqrt(np.float32(max(near_to - near_from, 1)))
            first_bias = np.float32(0)
            sums[:] = 0
            for n in range(near_from, near_to):
                request_row(implicit, near[min(n + ROWS_AHEAD, near_to - 1)], dim)
                row_move(sums, first, unity, implicit, near[n], scale, dim)
                first_bias += scale * implicit_bias[near[n]]
            row_move(sums, now, unity, sums, first, unity, dim)
            now_bias, kept = first_bias, unity
            for t in range(start[row], start[row + 1]):
                request_row(other, idx[min(t + ROWS_AHEAD, start[row + 1] - 1)], dim)
                i = idx[t]
                error = rating[t] - own_bias[row] - now_bias - other_bias[i]
                error -= joint_dot(own, row, sums, now, other, i, fixed, i, flipped, dim)
                if flipped:
                    error -= fixed_bias[i]
                own_step, other_step = own_lr * error, other_lr * error
                keeps, steps = (keep_own, keep_implicit, keep_other), (own_step, other_step, other_step)
                joint_step(own, row, sums, now, other, i, fixed, i, keeps, steps, flipped, dim)
                own_bias[row] = keep_own_bias * own_bias[row] + own_step
                now_bias = keep_implicit * now_bias + other_step
                other_bias[i] = keep_other_bias * other_bias[i] + other_step
                kept *= keep_implicit
                squares += error * error
            if other_lr > 0:  # where items are frozen, rounding would move them
                row_move(sums, now, scale, sums, first, -scale * kept, dim)
                now_bias = scale * (now_bias - kept * first_bias)
                for n in range(near_from, near_to):
                    request_row(implicit, near[min(n + ROWS_AHEAD, near_to - 1)], dim)
                    row_move(implicit, near[n], kept, sums, now, unity, dim)
                    implicit_bias[near[n]] = kept * implicit_bias[near[n]] + now_bias
        return squares

    return svdpp


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def row_move(_: Any, left: Any, u: Any, keep: Any, right: Any, i: Any, step: Any, dim: Any) -> Any:
    """left[u] ← keep·left[u] + step·right[i]."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        n = dim.literal_value
        to, of = (row_at(context, builder, signature, arguments, position, n) for position in (0, 3))
        for offset, width in chunks(n):
            moved = _blend(
                builder,
                splat(builder, arguments[2], width),
                load(builder, to, offset, width),
                splat(builder, arguments[5], width),
                load(builder, of, offset, width),
            )
            builder.store(moved, address(builder, to, offset, width), align=4)
        return context.get_dummy_value()

    return types.void(left, u, keep, right, i, step, dim), emit


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def joint_dot(
    _: Any,
    own: Any,
    row: Any,
    sums: Any,
    now: Any,
    other: Any,
    i: Any,
    fixed: Any,
    j: Any,
    flipped: Any,
    dim: Any,
) -> Any:
    """(own[row] + sums[now]) · (other[i] + fixed[j]); without `flipped`, fixed is not read."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        n = dim.literal_value
        p, s, q, f = (row_at(context, builder, signature, arguments, position, n) for position in (0, 2, 4, 6))
        products = []
        for offset, width in chunks(n):
            left = _plus(builder, load(builder, p, offset, width), s, offset, width)
            right = load(builder, q, offset, width)
            if flipped.literal_value:
                right = _plus(builder, right, f, offset, width)
            products.append(widened(builder, builder.fmul(left, right, flags=FLAGS), width))
        return sum_of(builder, products)

    return types.float32(own, row, sums, now, other, i, fixed, j, flipped, dim), emit


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def joint_step(
    _: Any,
    own: Any,
    row: Any,
    sums: Any,
    now: Any,
    other: Any,
    i: Any,
    fixed: Any,
    j: Any,
    keeps: Any,
    steps: Any,
    flipped: Any,
    dim: Any,
) -> Any:
    """own[row], sums[now] ← keep·itself + step·(other[i] + fixed[j]); other[i] likewise with own[row] + sums[now].

    All at once; `keeps` and `steps` hold a number for each of the three.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        n = dim.literal_value
        p, s, q, f = (row_at(context, builder, signature, arguments, position, n) for position in (0, 2, 4, 6))
        keep, step = ([builder.extract_value(arguments[which], k) for k in range(3)] for which in (8, 9))
        for offset, width in chunks(n):
            before = [load(builder, address_of, offset, width) for address_of in (p, s, q)]
            left = builder.fadd(before[0], before[1], flags=FLAGS)
            right = _plus(builder, before[2], f, offset, width) if flipped.literal_value else before[2]
            for k, (to, meets) in enumerate(((p, right), (s, right), (q, left))):
                scalars = splat(builder, keep[k], width), splat(builder, step[k], width)
                moved = _blend(builder, scalars[0], before[k], scalars[1], meets)
                builder.store(moved, address(builder, to, offset, width), align=4)
        return context.get_dummy_value()

    return types.void(own, row, sums, now, other, i, fixed, j, keeps, steps, flipped, dim), emit


def _plus(builder: Any, vector: Any, row: Any, offset: int, width: int) -> Any:
    return builder.fadd(vector, load(builder, row, offset, width), flags=FLAGS)


def _blend(builder: Any, keep: Any, own: Any, step: Any, other: Any) -> Any:
    """keep·own + step·other."""
    kept = builder.fmul(keep, own, flags=FLAGS)
    return builder.fadd(kept, builder.fmul(step, other, flags=FLAGS), flags=FLAGS)
