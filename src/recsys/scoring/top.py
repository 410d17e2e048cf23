"""The n best items of each user, without sorting the rest."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array, BoolArray, Float32Array, Int64Array

GROUP = 32  # columns whose maximum is looked at first


def masked_top_n(
    scores: Float32Array, n: int, *, allowed: BoolArray | None = None, left_out: tuple[Array, Array] | None = None
) -> tuple[Int64Array, Float32Array]:
    """The n best items of each user among those that may be listed, best first, and their scores.

    Args:
        scores: shape (n_users, n_items); those of items that may not be listed become −inf.
        allowed: items that may be listed for anyone, shape (n_items,); None: all.
        left_out: pairs of a row of `scores` and an item that may not be listed in it.
    Returns:
        Both of shape (n_users, min(n, n_items)); where no item is left, the score is −inf and the item any.
    """
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    if left_out is not None:
        scores[left_out] = -np.inf
    best = top_n(scores, n)
    return best, np.take_along_axis(scores, best, axis=1)


def top_n(scores: Array, n: int) -> Array:
    """The columns of the n largest scores of each row, best first; int64, shape (rows, min(n, columns)).

    Equal scores come by column; only those of −inf in any order. The n largest lie in the n groups of columns with the
    highest maxima, so that only those are sorted. A group is every width-th column: such maxima are taken a vector at
    a time.
    """
    n = min(n, scores.shape[1])
    width = scores.shape[1] // GROUP
    if width <= 4 * n:
        return _best(scores, n)
    highest = scores[:, : GROUP * width].reshape(len(scores), GROUP, width).max(axis=1)
    best_groups = np.sort(_best(highest, n), axis=1)
    columns = (np.arange(GROUP)[:, None] * width + best_groups[:, None, :]).reshape(len(scores), -1)
    rest = np.arange(GROUP * width, scores.shape[1])
    columns = np.concatenate([columns, np.broadcast_to(rest, (len(scores), len(rest)))], axis=1)
    best = _ordered(np.take_along_axis(scores, columns, axis=1), columns, n)
    lowest = np.take_along_axis(highest, best_groups, axis=1).min(axis=1)
    tied = (lowest > -np.inf) & ((highest >= lowest[:, None]).sum(axis=1) > n)  # an equal score may be elsewhere
    if tied.any():
        best[tied] = _best(scores[tied], n)
    return best


def _best(scores: Array, n: int) -> Array:
    return _ordered(scores, np.broadcast_to(np.arange(scores.shape[1]), scores.shape), n)


def _ordered(scores: Array, columns: Array, n: int) -> Array:
    """Of the candidates, whose columns rise, the n best in order."""
    if n < scores.shape[1]:
        cut = -np.partition(-scores, n - 1, axis=1)[:, n - 1 : n]
        # Of those equal to the n-th best, the first columns are taken, whatever partition would have taken.
        surely, equal = scores > cut, scores == cut
        room = n - surely.sum(axis=1, keepdims=True)
        picked = np.nonzero(surely | (equal & (np.cumsum(equal, axis=1) <= room)))[1].reshape(len(scores), n)
        scores = np.take_along_axis(scores, picked, axis=1)
        columns = np.take_along_axis(columns, picked, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
