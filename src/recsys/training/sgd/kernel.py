"""The loop in which a fit spends its time: one gradient step a rating, compiled for one embedding_dim.

The vector operations are written as LLVM instructions: from plain loops over the factors LLVM makes code that is two
to four times slower at dims 16 to 128 (half-wide vectors, overlap checks at every rating, no prefetch).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from recsys.training.jit import compiled

# "nnan" and "ninf" are left out on purpose: they would let the compiler hide numbers that are not finite.
FASTMATH = frozenset({"contract", "reassoc", "nsz", "arcp"})
FLAGS = tuple(sorted(FASTMATH))
AHEAD = np.uint64(12)  # ratings between the request for a row and its use
ONE = np.uint64(1)
WIDTH = 16  # floats in a vector register with AVX-512 and in a cache line; LLVM splits it where they are narrower
LINES_AHEAD = 8  # cache lines of a row to request; the hardware follows by itself from there

SIGNATURE = (
    "float64(uint32[::1], uint32[::1], float32[::1], uint64, uint64, float32[:, ::1], float32[:, ::1],"
    " float32[::1], float32[::1], float32, float32, float32, float32)"
)
USERS, ITEMS = 1, 2  # sides that a step moves; both: their sum
I32, I64, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()


@cache
def sgd_kernel(dim: int, biases: bool, sides: int = USERS + ITEMS) -> Callable[..., float]:
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
    Returns:
        (user_idx, item_idx, rating, start, end, user_embedding, item_embedding, user_bias, item_bias, user_lr,
        item_lr, decay, bias_decay) → sum of e² over the ratings, each e from before its step. Indices are uint32 and
        trusted.

    Source: Funk 2006, "Netflix update: try this at home"; Koren, Bell, Volinsky 2009, "Matrix Factorization
    Techniques for Recommender Systems".
    """

    @compiled(SIGNATURE, name=f"sgd_{dim}_{biases}_{sides}", fastmath=set(FASTMATH))
    def sgd(
        user_idx: Any,
        item_idx: Any,
        rating: Any,
        start: Any,
        end: Any,
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
        one = np.float32(1)
        keep_user, keep_user_bias = one - user_lr * decay, one - user_lr * bias_decay
        keep_item, keep_item_bias = one - item_lr * decay, one - item_lr * bias_decay
        for t in range(start, end):
            ahead = min(t + AHEAD, end - ONE)
            request_row(user_embedding, user_idx[ahead], dim)
            request_row(item_embedding, item_idx[ahead], dim)
            u, i = user_idx[t], item_idx[t]
            error = rating[t] - row_dot(user_embedding, u, item_embedding, i, dim)
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
        p = _row(context, builder, signature, arguments, 0, dim.literal_value)
        q = _row(context, builder, signature, arguments, 2, dim.literal_value)
        sums: list[Any] = []
        for k, (offset, width) in enumerate(_chunks(dim.literal_value)):
            x, y = _load(builder, p, offset, width), _load(builder, q, offset, width)
            product = _widened(builder, builder.fmul(x, y, flags=FLAGS), width)
            if k < 4:  # four running sums hide the latency of an addition
                sums.append(product)
            else:
                sums[k % 4] = builder.fadd(sums[k % 4], product, flags=FLAGS)
        while len(sums) > 1:
            sums = [*sums[2:], builder.fadd(sums[0], sums[1], flags=FLAGS)]
        kind = ir.FunctionType(FLOAT, [FLOAT, _vector(WIDTH)])
        reduce = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{WIDTH}f32")
        return builder.call(reduce, [FLOAT(0.0), sums[0]], fastmath=FLAGS)

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
        p = _row(context, builder, signature, arguments, 0, dim.literal_value)
        q = _row(context, builder, signature, arguments, 2, dim.literal_value)
        for offset, width in _chunks(dim.literal_value):
            x, y = _load(builder, p, offset, width), _load(builder, q, offset, width)
            for side, row, own, other, scalars in (
                (USERS, p, x, y, arguments[4:6]),
                (ITEMS, q, y, x, arguments[6:8]),
            ):
                if sides.literal_value & side:
                    keeps, steps = (_splat(builder, scalar, width) for scalar in scalars)
                    kept = builder.fmul(keeps, own, flags=FLAGS)
                    moved = builder.fadd(kept, builder.fmul(steps, other, flags=FLAGS), flags=FLAGS)
                    builder.store(moved, _at(builder, row, offset, width), align=4)
        return context.get_dummy_value()

    return types.void(left, u, right, i, keep_left, step_left, keep_right, step_right, dim, sides), emit


@intrinsic(prefer_literal=True)  # type: ignore[untyped-decorator]
def request_row(_: Any, matrix: Any, u: Any, dim: Any) -> Any:
    """Asks for matrix[u] to be in the cache soon, to be written."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = _row(context, builder, signature, arguments, 0, dim.literal_value)
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        for offset in range(0, min(dim.literal_value, LINES_AHEAD * WIDTH), WIDTH):
            address = builder.bitcast(builder.gep(row, [I64(offset)]), byte)
            builder.call(prefetch, [address, I32(1), I32(3), I32(1)])  # to write, to every level, data
        return context.get_dummy_value()

    return types.void(matrix, u, dim), emit


def _chunks(dim: int) -> list[tuple[int, int]]:
    """(offset, width) of the vectors that a row is cut into: as many whole ones as fit, then halves."""
    chunks, offset, width = [], 0, WIDTH
    while offset < dim:
        while width > dim - offset:
            width //= 2
        chunks.append((offset, width))
        offset += width
    return chunks


def _row(context: Any, builder: Any, signature: Any, arguments: Any, position: int, dim: int) -> Any:
    """The address of the row that the argument after the matrix at `position` numbers."""
    matrix = context.make_array(signature.args[position])(context, builder, arguments[position])
    row = builder.zext(arguments[position + 1], I64)
    return builder.gep(matrix.data, [builder.mul(row, I64(dim))])


def _vector(width: int) -> Any:
    return ir.VectorType(FLOAT, width)


def _at(builder: Any, row: Any, offset: int, width: int) -> Any:
    return builder.bitcast(builder.gep(row, [I64(offset)]), _vector(width).as_pointer())


def _load(builder: Any, row: Any, offset: int, width: int) -> Any:
    return builder.load(_at(builder, row, offset, width), align=4)


def _splat(builder: Any, scalar: Any, width: int) -> Any:
    undefined = ir.Constant(_vector(width), ir.Undefined)
    first = builder.insert_element(undefined, scalar, I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, width), [0] * width))


def _widened(builder: Any, vector: Any, width: int) -> Any:
    """The vector with zeros behind it."""
    if width == WIDTH:
        return vector
    zeros = ir.Constant(_vector(width), None)
    order = [min(lane, width) for lane in range(WIDTH)]
    return builder.shuffle_vector(vector, zeros, ir.Constant(ir.VectorType(I32, WIDTH), order))
