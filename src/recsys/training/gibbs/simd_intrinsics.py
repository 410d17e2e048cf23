"""What the sampler's kernels do with whole vectors at once, as LLVM instructions.

Plain loops take two to five times as long (docs/kernels.md); the tests compare with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic

from recsys.training.simd import FLAGS, I64, WIDTH, splat, vector

TILE = 8
EDGE = 2
LANES = 8  # matrices that are factored side by side
AT_ONCE = 4  # rows of them whose sums are kept in registers, or rows that are added up side by side


def _tile(n_rows: int, n_columns: int) -> Any:
    wide = n_columns if n_columns <= TILE or n_rows <= EDGE or _has_wide_vectors() else TILE

    def gram(_: Any, x: Any, count: Any, row: Any, column: Any, gram: Any) -> Any:  # noqa: ARG001 -- all int64
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows = context.make_array(signature.args[0])(context, builder, arguments[0])
            tile = context.make_array(signature.args[4])(context, builder, arguments[4])
            width, gram_width = (builder.extract_value(array.shape, 1) for array in (rows, tile))
            for begin_column in range(0, n_columns, wide):
                column = builder.add(arguments[3], I64(begin_column))
                sums = _sums(builder, n_rows, wide)
                with cgutils.for_range(builder, arguments[1]) as loop:
                    begin = builder.mul(loop.index, width)
                    right = builder.load(_at(builder, rows, builder.add(begin, column), wide), align=4)
                    for k, total in enumerate(sums):
                        place = builder.add(begin, builder.add(arguments[2], I64(k)))
                        left = splat(builder, builder.load(builder.gep(rows.data, [place])), wide)
                        _add_product(builder, total, left, right)
                for k, total in enumerate(sums):
                    place = builder.mul(builder.add(arguments[2], I64(k)), gram_width)
                    where = _at(builder, tile, builder.add(place, column), wide)
                    builder.store(builder.load(total), where, align=4)
            return context.get_dummy_value()

        return types.void(x, types.int64, types.int64, types.int64, gram), emit

    return intrinsic(gram)


def _has_wide_vectors() -> bool:
    """Whether a register holds two tiles' columns, so that eight rows of them fit into the registers."""
    return bool(get_host_cpu_features().get("avx512f"))


gram_tile, gram_edge = _tile(TILE, TILE), _tile(EDGE, TILE)
gram_tiles, gram_edges = _tile(TILE, 2 * TILE), _tile(EDGE, 2 * TILE)
"""gram[row : row + n, column : column + m] = Σ_t x[t, row : row + n] x[t, column : column + m]ᵀ, t < count.

n is 8, at the edge 2: where dim is a multiple of 8, the bias and the target are all that is left there. m is 8, or 16
for two tiles side by side. The arguments are (x, count, row, column, gram); x and gram are float32, contiguous, their
widths at least column + m.
"""


@intrinsic  # type: ignore[untyped-decorator]
def copy_row(_: Any, source: Any, row: Any, target: Any, to: Any) -> Any:  # noqa: ARG001 -- int64
    """target[to] = source[row], both float32, contiguous, equally wide: a multiple of TILE."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of, into = (context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 2))
        width = builder.extract_value(of.shape, 1)
        begin, end = builder.mul(arguments[1], width), builder.mul(arguments[3], width)
        with cgutils.for_range(builder, builder.udiv(width, I64(TILE))) as loop:
            offset = builder.mul(loop.index, I64(TILE))
            values = builder.load(_at(builder, of, builder.add(begin, offset), TILE), align=4)
            builder.store(values, _at(builder, into, builder.add(end, offset), TILE), align=4)
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), emit


@intrinsic  # type: ignore[untyped-decorator]
def cholesky(_: Any, lower: Any, n: Any) -> Any:  # noqa: ARG001 -- int64
    """Factors LANES matrices in place: the lower triangle becomes L with L Lᵀ the matrix, 1 / L on the diagonal.

    Row n, a right-hand side hᵀ, becomes (L⁻¹ h)ᵀ. lower is float32, contiguous, shape (at least n + 4, n, LANES), by
    row, column and lane; the rows after n are not of use.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix = context.make_array(signature.args[0])(context, builder, arguments[0])
        n, stride = arguments[1], builder.extract_value(matrix.shape, 1)

        def entry(a: Any, b: Any) -> Any:
            return _entry(builder, matrix, builder.add(builder.mul(a, stride), b))

        with cgutils.for_range(builder, n) as columns:
            b = columns.index
            blocks = builder.udiv(builder.add(builder.sub(n, b), I64(AT_ONCE)), I64(AT_ONCE))  # of rows b … n
            with cgutils.for_range(builder, blocks) as block:
                first = builder.add(b, builder.mul(block.index, I64(AT_ONCE)))
                rows = [builder.add(first, I64(k)) for k in range(AT_ONCE)]
                sums = _sums(builder, AT_ONCE, LANES)
                with cgutils.for_range(builder, b) as before:
                    pivot = builder.load(entry(b, before.index), align=4)
                    for total, row in zip(sums, rows, strict=True):
                        _add_product(builder, total, builder.load(entry(row, before.index), align=4), pivot)
                for total, row in zip(sums, rows, strict=True):
                    rest = builder.fsub(builder.load(entry(row, b), align=4), builder.load(total), flags=FLAGS)
                    builder.store(rest, entry(row, b), align=4)
            inverse = _inverse_root(builder, builder.load(entry(b, b), align=4))
            builder.store(inverse, entry(b, b), align=4)
            with cgutils.for_range(builder, builder.sub(n, b)) as below:
                where = entry(builder.add(builder.add(b, I64(1)), below.index), b)
                builder.store(builder.fmul(builder.load(where, align=4), inverse, flags=FLAGS), where, align=4)
        return context.get_dummy_value()

    return types.void(lower, types.int64), emit


@intrinsic  # type: ignore[untyped-decorator]
def solve_transposed(_: Any, lower: Any, n: Any, right: Any) -> Any:  # noqa: ARG001 -- int64
    """right = L⁻ᵀ right, with L as `cholesky` leaves it; right is float32, contiguous, shape (n, LANES)."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix, vectors = (context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 2))
        n, stride = arguments[1], builder.extract_value(matrix.shape, 1)
        with cgutils.for_range(builder, n) as loop:
            k = builder.sub(builder.sub(n, I64(1)), loop.index)
            row = builder.mul(k, stride)
            inverse = builder.load(_entry(builder, matrix, builder.add(row, k)), align=4)
            where = _entry(builder, vectors, k)
            solved = builder.fmul(builder.load(where, align=4), inverse, flags=FLAGS)
            builder.store(solved, where, align=4)
            minus = builder.fneg(solved)
            with cgutils.for_range(builder, k) as before:
                where = _entry(builder, vectors, before.index)
                factor = builder.load(_entry(builder, matrix, builder.add(row, before.index)), align=4)
                product = builder.fmul(minus, factor, flags=FLAGS)
                builder.store(builder.fadd(builder.load(where, align=4), product, flags=FLAGS), where, align=4)
        return context.get_dummy_value()

    return types.void(lower, types.int64, right), emit


@intrinsic  # type: ignore[untyped-decorator]
def sum_rows(_: Any, rows: Any, idx: Any, begin: Any, end: Any, total: Any) -> Any:  # noqa: ARG001 -- int64
    """total = Σ_t rows[idx[t]], begin ≤ t < end. rows is float32, contiguous, shape (n, WIDTH); idx int32."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix, numbers, out = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 4)
        )
        sums = _sums(builder, AT_ONCE, WIDTH)
        for place, k in _unrolled(builder, arguments[2], arguments[3]):
            row = builder.load(_row(builder, matrix, numbers, place), align=4)
            builder.store(builder.fadd(builder.load(sums[k]), row, flags=FLAGS), sums[k])
        first, second, third, fourth = (builder.load(pointer) for pointer in sums)
        both = [builder.fadd(*pair, flags=FLAGS) for pair in ((first, second), (third, fourth))]
        builder.store(builder.fadd(*both, flags=FLAGS), _at(builder, out, I64(0), WIDTH), align=4)
        return context.get_dummy_value()

    return types.void(rows, idx, types.int64, types.int64, total), emit


@intrinsic  # type: ignore[untyped-decorator]
def move_rows(_: Any, rows: Any, idx: Any, begin: Any, end: Any, scale: Any, step: Any) -> Any:  # noqa: ARG001
    """rows[idx[t]] += scale[idx[t]] · step, begin ≤ t < end. Shapes as in `sum_rows`; scale (n,), step (WIDTH,)."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix, numbers, scales, steps = (
            context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 1, 4, 5)
        )
        step = builder.load(_at(builder, steps, I64(0), WIDTH), align=4)
        with cgutils.for_range(builder, arguments[3], start=arguments[2]) as loop:
            row = builder.zext(builder.load(builder.gep(numbers.data, [loop.index])), I64)
            factor = splat(builder, builder.load(builder.gep(scales.data, [row])), WIDTH)
            where = _at(builder, matrix, builder.mul(row, I64(WIDTH)), WIDTH)
            moved = builder.fmul(factor, step, flags=FLAGS)
            builder.store(builder.fadd(builder.load(where, align=4), moved, flags=FLAGS), where, align=4)
        return context.get_dummy_value()

    return types.void(rows, idx, types.int64, types.int64, scale, step), emit


def _sums(builder: Any, n: int, width: int) -> list[Any]:
    """`n` vectors of zeros that stay in registers."""
    totals = [cgutils.alloca_once(builder, vector(width)) for _ in range(n)]
    for total in totals:
        builder.store(ir.Constant(vector(width), None), total)
    return totals


def _add_product(builder: Any, total: Any, left: Any, right: Any) -> None:
    product = builder.fmul(left, right, flags=FLAGS)
    builder.store(builder.fadd(builder.load(total), product, flags=FLAGS), total)


def _inverse_root(builder: Any, value: Any) -> Any:
    kind = ir.FunctionType(value.type, [value.type])
    root = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32")
    return builder.fdiv(ir.Constant(value.type, [1.0] * LANES), builder.call(root, [value]))


def _at(builder: Any, array: Any, place: Any, width: int) -> Any:
    return builder.bitcast(builder.gep(array.data, [place]), vector(width).as_pointer())


def _entry(builder: Any, matrices: Any, place: Any) -> Any:
    """One entry of LANES matrices."""
    return _at(builder, matrices, builder.mul(place, I64(LANES)), LANES)


def _row(builder: Any, matrix: Any, numbers: Any, place: Any) -> Any:
    row = builder.zext(builder.load(builder.gep(numbers.data, [place])), I64)
    return _at(builder, matrix, builder.mul(row, I64(WIDTH)), WIDTH)


def _unrolled(builder: Any, begin: Any, end: Any) -> Iterator[tuple[Any, int]]:
    """(t, k) for the body of a loop over begin ≤ t < end, AT_ONCE steps at a time, k telling these apart."""
    whole = builder.mul(builder.sdiv(builder.sub(end, begin), I64(AT_ONCE)), I64(AT_ONCE))
    between = builder.add(begin, whole)
    with cgutils.for_range_slice(builder, begin, between, I64(AT_ONCE)) as (index, _):
        for k in range(AT_ONCE):
            yield builder.add(index, I64(k)), k
    with cgutils.for_range(builder, end, start=between) as rest:
        yield rest.index, 0
