"""The rows of one side of implicit ALS, solved given those of the other: users given items, and items given users."""

from __future__ import annotations

from functools import partial

import numpy as np

from recsys.core.collectives import share_rows, tasks_of_rank
from recsys.core.communicator import ALONE, Communicator
from recsys.core.threads import Workers
from recsys.core.types import Float32Array
from recsys.training.ials.kernels import solve_rows_kernel
from recsys.training.ials.systems import Systems
from recsys.training.simd import WIDTH

GRAMIAN_ROWS, GRAMIAN_PARTS = 2_048, 16  # at least so many rows to a product, at most so many products
LINE = 64  # bytes of a cache line


def solve_rows(
    systems: Systems,
    other: Float32Array,
    rows: Float32Array,
    n_other: int,
    unobserved_weight: float,
    regularization: float,
    workers: Workers,
    communicator: Communicator = ALONE,
) -> None:
    """Moves the users' rows towards the best ones given the items' rows, which stay as they are.

    The best row w of a user with n interactions, with α₀ = unobserved_weight and λ = regularization, is the minimum of

        Σ (y − w·h)² + α₀ Σ_all (w·h)² + λ (n + α₀·I)|w|²

    where the first sum goes over the user's interactions and the second over all I items that have any. Each rank
    solves its share of the rows, and gets the others. The bits depend neither on ranks nor on threads, while NumPy uses
    one of these for a product (`one_blas_thread`).

    Args:
        other: rows h of the items, as `aligned` makes them.
        rows: of the users, changed in place; as wide.
        n_other: I; the rows of items that no user has are zeros.
    """
    penalty = (regularization * (systems.counts + unobserved_weight * n_other)).astype(np.float32)
    shared = aligned(np.float32(unobserved_weight) * gramian(other, workers))
    cuts = tasks_of_rank(len(systems.bounds) - 1, communicator)
    rank = communicator.rank
    bounds = systems.bounds[cuts[rank] : cuts[rank + 1] + 1]
    columns = bounds, np.zeros(1, np.int64), systems.start, systems.idx, systems.target
    work = partial(solve_rows_kernel(), *columns, other, shared, penalty, rows)
    workers.beside(work, lambda: None)
    share_rows([rows], systems.bounds[cuts], communicator)


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
