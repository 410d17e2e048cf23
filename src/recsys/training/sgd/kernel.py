"""The loop in which a fit spends its time: one gradient step a rating, compiled for one embedding_dim.

The vector operations are written as LLVM instructions: from plain loops over the factors LLVM makes code that is two
to four times slower at dims 16 to 128 (half-wide vectors, overlap checks at every rating, no prefetch).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from recsys.core.jit import compiled
from recsys.core.types import Array
from recsys.data.prepared import BlockKinds
from recsys.training.simd import (
    FASTMATH,
    FLAGS,
    I32,
    I64,
    WIDTH,
    address,
    chunks,
    load,
    row_at,
    splat,
    sum_of,
    widened,
)

AHEAD = np.uint64(12)  # ratings between the request for a row and its use
ONE = np.uint64(1)
LINES_AHEAD = 8  # cache lines of a row to request; the hardware follows by itself from there

SIGNATURE = (
    "float64({}[::1], {}[::1], {}[::1], uint64, uint64, uint64, uint64, float32[::1], float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[::1], float32, float32, float32, float32)"
)
WIDE: BlockKinds = ("uint32", "uint32", "float32")  # indices and ratings as they are
NO_LEVELS = np.empty(0, np.float32)
USERS, ITEMS = 1, 2  # sides that a step moves; both: their sum


class BlockRatings(NamedTuple):
    """The ratings of a block, as the kernel takes them.

    Attributes:
        user_idx, item_idx: of the users, or items, from user_first, or item_first, on.
        rating: standardised; or uint8, the number in `levels` of each.
        start, end: where the block begins and ends in these.
    """

    user_idx: Array
    item_idx: Array
    rating: Array
    start: int
    end: int
    user_first: int = 0
    item_first: int = 0
    levels: Array = NO_LEVELS


@cache
def sgd_kernel(dim: int, biases: bool, sides: int = USERS + ITEMS, kinds: BlockKinds = WIDE) -> Callable[..., float]:
    """The compiled function that takes one gradient step for each of the ratings start … end − 1, in that order.

    With e = rating − (user_bias[u] + item_bias[i] + p·q), where p and q are the rows of u and i, each rating moves

        p ← (1 − lr·decay)·p + lr·e·q                 user_bias[u] ← (1 − lr·bias_decay)·user_bias[u] + lr·e
        q ← (1 − lr·decay)·q + lr·e·p                 item_bias[i] ← (1 − lr·bias_decay)·item_bias[i] + lr·e

    all from the values before the step: the gradient of ½e² + ½decay·(|p|² + |q|²) + ½bias_decay·(b_u² + b_i²). Users
    and items have an lr each.

    Args:
        dim: length of a row, at least 1; a constant in the machine code.
        biases: without, the bias arrays are not touched and may be empty.
        sides: USERS, ITEMS or their sum: whose rows and biases move; those of the other are only read.
        kinds: the types of user_idx, item_idx and rating; of other ones, the same numbers give the same bits.
    Returns:
        (*BlockRatings, user_embedding, item_embedding, user_bias, item_bias, user_lr, item_lr, decay, bias_decay) → sum
        of e² over the ratings, each e from before its step. Indices and numbers of levels are trusted.

    Source: Funk 2006, "Netflix update: try this at home"; Koren, Bell, Volinsky 2009, "Matrix Factorization
    Techniques for Recommender Systems".
    """

    has_levels = kinds[2] == "uint8"

    @compiled(SIGNATURE.format(*kinds), name=f"sgd_{dim}_{biases}_{sides}_{'_'.join(kinds)}", fastmath=set(FASTMATH))
    def sgd(
        user_idx: Any,
        item_idx: Any,
        rating: Any,
        start: Any,
        end: Any,
        user_first: Any,
        item_first: Any,
        levels: Any,
        user_embedding: Any,
        item_embedding: Any,
        user_bias: Any,
        item_bias: Any,
        user_lr: Any,
        item_lr: Any,
        decay: Any,
        bias_decay: Any,
    ) -> float:
        squares = 0.0
        unity = np.float32(1)
        keep_user, keep_user_bias = unity - user_lr * decay, unity - user_lr * bias_decay
        keep_item, keep_item_bias = unity - item_lr * decay, unity - item_lr * bias_decay
        for t in range(start, end):
            ahead = min(t + AHEAD, end - ONE)
            request_row(user_embedding, user_first + user_idx[ahead], dim)
            request_row(item_embedding, item_first + item_idx[ahead], dim)
            u, i = user_first + user_idx[t], item_first + item_idx[t]
            value = levels[rating[t]] if has_levels else rating[t]
            error = value - row_dot(user_embedding, u, item_embedding, i, dim)
            if biases:
                error -= user_bias[u] + item_bias[i]
            user_step, item_step = user_lr * error, item_lr * error
            row_step(user_embedding, u, item_embedding, i, keep_user, user_step, keep_item, item_step, dim, sides)
            if biases and sides & USERS:
                user_bias[u] = keep_user_bias * user_bias[u] + user_step
            if biases and sides & ITEMS:
                item_bias[i] = keep_item_bias * item_bias[i] + item_step
            squares += error * error
        return squares

    return sgd


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def row_dot(_: Any, left: Any, u: Any, right: Any, i: Any, dim: Any) -> Any:
    """left[u] · right[i], the first `dim` factors."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        p = row_at(context, builder, signature, arguments, 0, dim.literal_value)
        q = row_at(context, builder, signature, arguments, 2, dim.literal_value)
        products = []
        for offset, width in chunks(dim.literal_value):
            x, y = load(builder, p, offset, width), load(builder, q, offset, width)
            products.append(widened(builder, builder.fmul(x, y, flags=FLAGS), width))
        return sum_of(builder, products)

    return types.float32(left, u, right, i, dim), emit


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def row_step(
    _: Any,
    left: Any,
    u: Any,
    right: Any,
    i: Any,
    keep_left: Any,
    step_left: Any,
    keep_right: Any,
    step_right: Any,
    dim: Any,
    sides: Any,
) -> Any:
    """left[u] ← keep·left[u] + step·right[i] and right[i] ← keep·right[i] + step·left[u], both at once.

    `sides` says which of the two are stored.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        p = row_at(context, builder, signature, arguments, 0, dim.literal_value)
        q = row_at(context, builder, signature, arguments, 2, dim.literal_value)
        for offset, width in chunks(dim.literal_value):
            x, y = load(builder, p, offset, width), load(builder, q, offset, width)
            for side, row, own, other, scalars in (
                (USERS, p, x, y, arguments[4:6]),
                (ITEMS, q, y, x, arguments[6:8]),
            ):
                if sides.literal_value & side:
                    keeps, steps = (splat(builder, scalar, width) for scalar in scalars)
                    kept = builder.fmul(keeps, own, flags=FLAGS)
                    moved = builder.fadd(kept, builder.fmul(steps, other, flags=FLAGS), flags=FLAGS)
                    builder.store(moved, address(builder, row, offset, width), align=4)
        return context.get_dummy_value()

    return types.void(left, u, right, i, keep_left, step_left, keep_right, step_right, dim, sides), emit


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def request_row(_: Any, matrix: Any, u: Any, dim: Any) -> Any:
    """Asks for matrix[u] to be in the cache soon, to be written."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = row_at(context, builder, signature, arguments, 0, dim.literal_value)
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        for offset in range(0, min(dim.literal_value, LINES_AHEAD * WIDTH), WIDTH):
            address = builder.bitcast(builder.gep(row, [I64(offset)]), byte)
            builder.call(prefetch, [address, I32(1), I32(3), I32(1)])  # to write, to every level, data
        return context.get_dummy_value()

    return types.void(matrix, u, dim), emit
