"""What the row systems of implicit ALS do with whole vectors at once, as LLVM instructions.

Every matrix is float32 and contiguous, its width a multiple of WIDTH, with zeros behind the factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba.core import cgutils, types
from numba.extending import intrinsic

from recsys.training.simd import FLAGS, I32, I64, WIDTH, splat, vector

GROUP = 4  # rows that are solved side by side, so that the Gramian is read once for all of them
AT_ONCE = 8  # interactions whose products are computed side by side; a power of two, at most WIDTH
LINES = 8  # cache lines of a row to request; the hardware follows by itself from there


@intrinsic  # type: ignore[untyped-decorator]
def times_gramian(_: Any, rows: Any, gramian: Any, products: Any) -> Any:
    """products[r] = rows[r] · gramian for the GROUP rows of both; gramian has shape (width, width)."""
    n_tile = 4 if get_host_cpu_features().get("avx512f") else 1  # vectors of a tile that stays in registers

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arrays = _arrays(context, builder, signature, arguments)
        width = builder.extract_value(arrays[1].shape, 1)
        tiled = builder.mul(builder.udiv(width, I64(n_tile * WIDTH)), I64(n_tile * WIDTH))
        for first, end, n_vectors in ((I64(0), tiled, n_tile), (tiled, width, 1)):
            with cgutils.for_range_slice(builder, first, end, I64(n_vectors * WIDTH)) as (column, _):
                _gramian_tile(builder, arrays, width, column, n_vectors)
        return context.get_dummy_value()

    return types.void(rows, gramian, products), emit


@intrinsic  # type: ignore[untyped-decorator]
def add_interactions(
    _: Any, other: Any, idx: Any, target: Any, begin: Any, end: Any, share: Any, rows: Any, r: Any, products: Any
) -> Any:
    """products[r] += Σ_t (other[idx[t]] · rows[r] − share · target[t]) other[idx[t]], begin ≤ t < end.

    idx is int32, target and share float32, begin, end and r int64.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        other, idx, target, *_, rows, r, products = _arrays(context, builder, signature, arguments)
        begin, end, share = arguments[3:6]
        width = builder.extract_value(other.shape, 1)
        given = _Interactions(builder, other, idx, target, share, end, width)
        whole = builder.mul(builder.sdiv(builder.sub(end, begin), I64(AT_ONCE)), I64(AT_ONCE))
        between = builder.add(begin, whole)
        for first, last, count in ((begin, between, AT_ONCE), (between, end, 1)):
            with cgutils.for_range_slice(builder, first, last, I64(count)) as (t, _):
                given.request(t, count)
                given.add(t, count, rows, products, builder.mul(r, width))
        return context.get_dummy_value()

    return types.void(other, idx, target, begin, end, share, rows, r, products), emit


@dataclass(frozen=True, eq=False)
class _Interactions:
    """Instructions for some interactions of one row."""

    builder: Any
    other: Any
    idx: Any
    target: Any
    share: Any
    end: Any
    width: Any

    def request(self, t: Any, count: int) -> None:
        """Asks for the other side's rows of the next interactions, `count` of them, to be in the cache soon."""
        builder, byte = self.builder, ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        last = builder.sub(self.end, I64(1))
        for k in range(count):
            ahead = builder.add(t, I64(AT_ONCE + k))
            ahead = builder.select(builder.icmp_signed("<", ahead, self.end), ahead, last)
            begin = self._row(ahead)
            for line in range(LINES):  # behind the last row there may be nothing: a prefetch doesn't fault
                place = builder.gep(self.other.data, [builder.add(begin, I64(line * WIDTH))])
                builder.call(prefetch, [builder.bitcast(place, byte), I32(0), I32(3), I32(1)])  # to read, data

    def add(self, t: Any, count: int, rows: Any, products: Any, own: Any) -> None:
        """Adds interactions t … t + count − 1 to the products that begin at `own`."""
        builder = self.builder
        begins = [self._row(builder.add(t, I64(k))) for k in range(count)]
        sums = [_zeros(builder) for _ in range(count)]
        for offset in self._offsets():
            values = _load(builder, rows, builder.add(own, offset))
            for total, begin in zip(sums, begins, strict=True):
                _add_product(builder, total, values, _load(builder, self.other, builder.add(begin, offset)))
        dots = _sums_of(builder, [builder.load(total) for total in sums])
        factors = []
        for k, dot in enumerate(dots):
            target = builder.load(builder.gep(self.target.data, [builder.add(t, I64(k))]))
            error = builder.fsub(dot, builder.fmul(self.share, target, flags=FLAGS), flags=FLAGS)
            factors.append(splat(builder, error, WIDTH))
        for offset in self._offsets():
            place = _at(builder, products, builder.add(own, offset))
            total = builder.load(place, align=4)
            for factor, begin in zip(factors, begins, strict=True):
                product = builder.fmul(factor, _load(builder, self.other, builder.add(begin, offset)), flags=FLAGS)
                total = builder.fadd(total, product, flags=FLAGS)
            builder.store(total, place, align=4)

    def _offsets(self) -> Any:
        """A loop over the vectors of a row: where each begins."""
        with cgutils.for_range_slice(self.builder, I64(0), self.width, I64(WIDTH)) as (offset, _):
            yield offset

    def _row(self, t: Any) -> Any:
        """Where the other side's row of interaction t begins."""
        row = self.builder.zext(self.builder.load(self.builder.gep(self.idx.data, [t])), I64)
        return self.builder.mul(row, self.width)


def _gramian_tile(builder: Any, arrays: Sequence[Any], width: Any, column: Any, n_vectors: int) -> None:
    """`n_vectors` vectors of each product, from a column on."""
    rows, gramian, products = arrays
    sums = [[_zeros(builder) for _ in range(n_vectors)] for _ in range(GROUP)]
    with cgutils.for_range(builder, width) as loop:
        begin = builder.add(builder.mul(loop.index, width), column)
        vectors = [_load(builder, gramian, builder.add(begin, I64(WIDTH * k))) for k in range(n_vectors)]
        for r, row_sums in enumerate(sums):
            place = builder.add(builder.mul(I64(r), width), loop.index)
            factor = splat(builder, builder.load(builder.gep(rows.data, [place])), WIDTH)
            for total, values in zip(row_sums, vectors, strict=True):
                _add_product(builder, total, factor, values)
    for r, row_sums in enumerate(sums):
        begin = builder.add(builder.mul(I64(r), width), column)
        for k, total in enumerate(row_sums):
            place = _at(builder, products, builder.add(begin, I64(WIDTH * k)))
            builder.store(builder.load(total), place, align=4)


def _sums_of(builder: Any, vectors: list[Any]) -> list[Any]:
    """The sum of the numbers in each vector. All are halved together, which takes a third of the shuffles."""
    n, lanes = len(vectors), WIDTH
    while len(vectors) > 1:
        lanes //= 2
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [_halved(builder, left, right, lanes) for left, right in pairs]
    total, places = vectors[0], [k * lanes for k in range(n)]
    while lanes > 1:
        lanes //= 2
        total = _halved(builder, total, total, lanes)
        places = [place // 2 for place in places]
    return [builder.extract_element(total, I32(place)) for place in places]


def _halved(builder: Any, left: Any, right: Any, lanes: int) -> Any:
    """The sums in `left`, then those in `right`: from 2 · lanes numbers each to half as many."""
    halves = []
    for first in (0, lanes):
        order = [begin + first + lane for begin in range(0, 2 * WIDTH, 2 * lanes) for lane in range(lanes)]
        halves.append(builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(I32, WIDTH), order)))
    return builder.fadd(*halves, flags=FLAGS)


def _zeros(builder: Any) -> Any:
    """A vector of zeros that stays in a register."""
    total = cgutils.alloca_once(builder, vector(WIDTH))
    builder.store(ir.Constant(vector(WIDTH), None), total)
    return total


def _add_product(builder: Any, total: Any, left: Any, right: Any) -> None:
    product = builder.fmul(left, right, flags=FLAGS)
    builder.store(builder.fadd(builder.load(total), product, flags=FLAGS), total)


def _arrays(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """Arrays among the arguments as structures, the rest as it is."""
    return [
        context.make_array(kind)(context, builder, argument) if isinstance(kind, types.Array) else argument
        for kind, argument in zip(signature.args, arguments, strict=True)
    ]


def _at(builder: Any, array: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(array.data, [place]), vector(WIDTH).as_pointer())


def _load(builder: Any, array: Any, place: Any) -> Any:
    return builder.load(_at(builder, array, place), align=4)
