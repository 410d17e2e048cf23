"""Sums of rows, compiled: the one loop that SVD++ needs outside of training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from recsys.core.jit import compiled, readable
from recsys.core.types import Float32Array, Int64Array


def sum_of_rows(idx: Int64Array, start: Int64Array, terms: Float32Array) -> Float32Array:
    """The sum of terms[idx[start[r]]] … terms[idx[start[r + 1] − 1]] for each r, float32, shape (n, dim).

    They are added one after the other, as PyTorch's embedding_bag does on a CPU: the same bits.

    Args:
        terms: shape (n_terms, dim).
    """
    sums = np.zeros((len(start) - 1, terms.shape[1]), dtype=np.float32)
    _kernel()(idx, start, np.ascontiguousarray(terms), sums)
    return sums


@cache
def _kernel() -> Callable[..., None]:
    places, rows = readable("int64"), types.float32[:, ::1]
    return compiled(types.void(places, places, rows, rows), name="sum_of_rows")(_sum_of_rows)


def _sum_of_rows(idx: Any, start: Any, terms: Any, sums: Any) -> None:
    for row in range(len(sums)):
        for n in range(start[row], start[row + 1]):
            for k in range(sums.shape[1]):
                sums[row, k] += terms[idx[n], k]
