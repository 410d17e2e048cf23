"""The rows of one side of implicit ALS, solved given those of the other: users given items, and items given users."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from recsys.core.threads import Workers
from recsys.core.types import Counts, Float32Array, Indices, Int64Array
from recsys.data.chunks import chunks
from recsys.data.grouped import GroupedView
from recsys.training.ials.kernels import solve_rows_kernel
from recsys.training.ials.simd_intrinsics import GROUP
from recsys.training.simd import WIDTH

RANGE = 4_000  # interactions that a thread takes at a time
ROW = 40  # a row costs as much as so many interactions
GRAMIAN_ROWS, GRAMIAN_PARTS = 2_048, 16  # at least so many rows to a product, at most so many products
LINE = 64  # bytes of a cache line


@dataclass(frozen=True, eq=False)
class Systems:
    """The interactions of each user, one user after the other; or of each item, with the names exchanged.

    Attributes:
        start: int64, shape (n_users + 1,); user u has the interactions start[u] … start[u + 1] − 1, perhaps none.
        idx: int32, shape (n,), the item of each.
        target: float32, shape (n,), what its score should be.
        bounds: int64: a thread takes the users bounds[p] … bounds[p + 1] − 1 at a time.
    """

    start: Int64Array
    idx: Indices
    target: Float32Array
    bounds: Int64Array

    @classmethod
    def of(cls, grouped: GroupedView, targets: Float32Array) -> Systems:
        """Puts the targets into the order of the users, and cuts these into ranges of about equal work."""
        n = len(grouped.start) - 1
        target = np.empty_like(targets)
        for rows in chunks(len(targets)):
            target[rows] = targets[grouped.row[rows]]
        groups = np.arange(0, n, GROUP)
        cost = (grouped.start[:-1] + ROW * np.arange(n))[groups]
        bounds = np.append(groups[np.diff(cost // RANGE, prepend=-1) > 0], n)
        return cls(grouped.start, grouped.other_idx, target, bounds)

    @property
    def counts(self) -> Counts:
        """Interactions of each user, int64, shape (n_users,)."""
        return np.diff(self.start)


def solve_rows(
    systems: Systems,
    other: Float32Array,
    rows: Float32Array,
    unobserved_weight: float,
    regularization: float,
    workers: Workers,
) -> None:
    """Moves the users' rows towards the best ones given the items' rows, which stay as they are.

    The best row w of a user with n interactions, with α₀ = unobserved_weight and λ = regularization, is the minimum of

        Σ (y − w·h)² + α₀ Σ_all (w·h)² + λ (n + α₀·I)|w|²

    where the first sum goes over the user's interactions, the second over all I items. The bits don't depend on the
    number of threads, while NumPy uses one of them for a product (`one_blas_thread`).

    Args:
        other: rows h of the items, as `aligned` makes them.
        rows: of the users, changed in place; as wide.
    """
    penalty = (regularization * (systems.counts + unobserved_weight * len(other))).astype(np.float32)
    shared = aligned(np.float32(unobserved_weight) * gramian(other, workers))
    columns = systems.bounds, np.zeros(1, np.int64), systems.start, systems.idx, systems.target
    work = partial(solve_rows_kernel(), *columns, other, shared, penalty, rows)
    workers.beside(work, lambda: None)


def gramian(rows: Float32Array, workers: Workers) -> Float32Array:
    """Σ h hᵀ over all rows, float32, shape (width, width): the same parts on any number of threads, added in order."""
    size = max(GRAMIAN_ROWS, -(-len(rows) // GRAMIAN_PARTS))
    parts = [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    width = rows.shape[1]
    products: Float32Array = np.empty((len(parts), width, width), np.float32)

    def multiply(k: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # whoever fits looks whether rows are finite
            np.matmul(parts[k].T, parts[k], out=products[k])

    workers.each(multiply, len(parts))
    total: Float32Array = products.sum(axis=0)
    return total


def aligned(rows: Float32Array) -> Float32Array:
    """A copy that begins with a cache line, with zeros behind each row up to a multiple of WIDTH.

    Vectors that cross no cache line are read a third faster.
    """
    n, dim = rows.shape
    width = -(-dim // WIDTH) * WIDTH
    n_bytes = rows.itemsize * n * width
    buffer = np.zeros(n_bytes + LINE, np.uint8)
    begin = -buffer.ctypes.data % LINE
    copy: Float32Array = buffer[begin : begin + n_bytes].view(np.float32).reshape(n, width)
    copy[:, :dim] = rows
    return copy
