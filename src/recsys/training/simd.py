"""Rows of a matrix as LLVM vectors: what the kernels' instructions are made of."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# "nnan" and "ninf" are left out on purpose: they would let the compiler hide numbers that are not finite.
FASTMATH = frozenset({"contract", "reassoc", "nsz", "arcp"})
FLAGS = tuple(sorted(FASTMATH))
WIDTH = 16  # floats in a vector register with AVX-512 and in a cache line; LLVM splits it where they are narrower
I32, I64, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()


def chunks(dim: int) -> list[tuple[int, int]]:
    """(offset, width) of the vectors that a row is cut into: as many whole ones as fit, then halves."""
    vectors, offset, width = [], 0, WIDTH
    while offset < dim:
        while width > dim - offset:
            width //= 2
        vectors.append((offset, width))
        offset += width
    return vectors


def row_at(context: Any, builder: Any, signature: Any, arguments: Any, position: int, dim: int) -> Any:
    """The address of the row that the argument after the matrix at `position` numbers."""
    matrix = context.make_array(signature.args[position])(context, builder, arguments[position])
    row = builder.zext(arguments[position + 1], I64)
    return builder.gep(matrix.data, [builder.mul(row, I64(dim))])


def vector(width: int) -> Any:
    """The type of so many floats."""
    return ir.VectorType(FLOAT, width)


def address(builder: Any, row: Any, offset: int, width: int) -> Any:
    """Where the vector at an offset of a row lies."""
    return builder.bitcast(builder.gep(row, [I64(offset)]), vector(width).as_pointer())


def load(builder: Any, row: Any, offset: int, width: int) -> Any:
    """The vector at an offset of a row."""
    return builder.load(address(builder, row, offset, width), align=4)


def splat(builder: Any, scalar: Any, width: int) -> Any:
    """A vector that holds the same number everywhere."""
    undefined = ir.Constant(vector(width), ir.Undefined)
    first = builder.insert_element(undefined, scalar, I32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, width), [0] * width))


def widened(builder: Any, narrow: Any, width: int) -> Any:
    """A vector of `width` with zeros behind it, WIDTH in all."""
    if width == WIDTH:
        return narrow
    zeros = ir.Constant(vector(width), None)
    order = [min(lane, width) for lane in range(WIDTH)]
    return builder.shuffle_vector(narrow, zeros, ir.Constant(ir.VectorType(I32, WIDTH), order))


def sum_of(builder: Any, terms: list[Any]) -> Any:
    """The sum of all numbers in vectors of WIDTH, a float."""
    sums: list[Any] = []
    for k, term in enumerate(terms):
        if k < 4:  # four running sums hide the latency of an addition
            sums.append(term)
        else:
            sums[k % 4] = builder.fadd(sums[k % 4], term, flags=FLAGS)
    while len(sums) > 1:
        sums = [*sums[2:], builder.fadd(sums[0], sums[1], flags=FLAGS)]
    kind = ir.FunctionType(FLOAT, [FLOAT, vector(WIDTH)])
    reduce = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{WIDTH}f32")
    return builder.call(reduce, [FLOAT(0.0), sums[0]], fastmath=FLAGS)


@intrinsic  # type: ignore[untyped-decorator]
def take(_: Any, counter: Any) -> Any:
    """counter[0], and adds 1 to it, in one step: each of several threads gets another number. counter is int64."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.atomic_rmw("add", array.data, I64(1), "monotonic")

    return types.int64(counter), emit
