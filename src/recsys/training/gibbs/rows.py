"""Rows that are solved for and not drawn."""

from __future__ import annotations

from functools import partial

import numpy as np

from recsys.core.threads import Workers, usable_cores
from recsys.core.types import Counts, Float32Array, Float64Array, Indices
from recsys.training.gibbs.kernels import draw_rows_kernel
from recsys.training.gibbs.simd_intrinsics import TILE
from recsys.training.gibbs.sweep import wide

USERS = 64  # that a thread takes at a time


def with_ones(g: Float32Array) -> Float32Array:
    """[g, 1, 0, …] of each item, as wide as `ridge_rows` takes them; float32."""
    n = len(g)
    return wide(np.column_stack([g, np.ones(n, np.float32), np.zeros(n, np.float32)]), TILE)


def ridge_rows(
    counts: Counts, item_idx: Indices, target: Float32Array, features: Float32Array, precision: Float64Array
) -> Float32Array:
    """(x, c) of each user, at the minimum of Σ (target − x·g − c)² + Σ_k precision_k x_k² + precision_n c².

    It is the row that the sampler draws with noise 0. The bits depend on no number of threads.

    Args:
        counts: ratings of each user.
        item_idx, target: of the ratings by user, shape (n_ratings,).
        features: g of each item, as `with_ones` gives it.
        precision: shape (n + 1,).
    Returns:
        float32, shape (n_users, n + 1).
    """
    n_users, width = len(counts), len(precision)
    start = np.concatenate([[0], np.cumsum(counts)])
    nothing, rows = np.zeros((n_users, width), np.float32), np.empty((n_users, width), np.float32)
    tasks = np.append(np.arange(0, n_users, USERS), n_users)
    ones, squares = np.ones(n_users, np.float32), np.empty(n_users, np.float32)
    given = start, item_idx, target, features, nothing, precision.astype(np.float32), ones, nothing
    work = partial(draw_rows_kernel(), tasks, np.zeros(1, np.int64), *given, rows, squares)
    Workers(usable_cores()).beside(work, lambda: None)
    return rows
