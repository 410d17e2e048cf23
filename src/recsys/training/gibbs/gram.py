"""Σ x xᵀ over the rows of a matrix, in tiles of 8 × 8 that stay in registers.

Plain loops take two to three times as long (docs/experiments.md, "Speed of gibbs"); `plain_gram` in the tests is one.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

TILE = 8
FLAGS = ("contract", "nsz", "arcp", "reassoc")
I64, FLOAT = ir.IntType(64), ir.FloatType()
VECTOR = ir.VectorType(FLOAT, TILE)


@intrinsic  # type: ignore[untyped-decorator]
def gram_tile(_: Any, x: Any, count: Any, row: Any, column: Any, gram: Any) -> Any:  # noqa: ARG001 -- all int64
    """gram[row : row + 8, column : column + 8] = Σ_t x[t, row : row + 8] x[t, column : column + 8]ᵀ, t < count.

    x and gram are float32, contiguous, their widths at least row + 8 and column + 8.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = context.make_array(signature.args[0])(context, builder, arguments[0])
        tile = context.make_array(signature.args[4])(context, builder, arguments[4])
        sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(TILE)]
        for total in sums:
            builder.store(ir.Constant(VECTOR, None), total)
        width = builder.extract_value(rows.shape, 1)
        with cgutils.for_range(builder, arguments[1]) as loop:
            begin = builder.mul(loop.index, width)
            right = _load(builder, rows.data, builder.add(begin, arguments[3]))
            for k, total in enumerate(sums):
                place = builder.add(begin, builder.add(arguments[2], I64(k)))
                left = _splat(builder, builder.load(builder.gep(rows.data, [place])))
                product = builder.fmul(left, right, flags=FLAGS)
                builder.store(builder.fadd(builder.load(total), product, flags=FLAGS), total)
        gram_width = builder.extract_value(tile.shape, 1)
        for k, total in enumerate(sums):
            place = builder.mul(builder.add(arguments[2], I64(k)), gram_width)
            pointer = _vector_at(builder, tile.data, builder.add(place, arguments[3]))
            builder.store(builder.load(total), pointer, align=4)
        return context.get_dummy_value()

    return types.void(x, types.int64, types.int64, types.int64, gram), emit


def _vector_at(builder: Any, data: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(data, [place]), VECTOR.as_pointer())


def _load(builder: Any, data: Any, place: Any) -> Any:
    return builder.load(_vector_at(builder, data, place), align=4)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), TILE), [0] * TILE))
