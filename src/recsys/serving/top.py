"""The n largest of each row, without sorting the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

GROUP = 128  # columns whose maximum is looked at first


def top_n(scores: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
    """The columns of the n largest scores of each row, best first; int64, shape (rows, min(n, columns)).

    The n largest lie in the n groups of columns with the highest maxima, so that only those are partitioned.
    """
    n = min(n, scores.shape[1])
    if scores.shape[1] <= 4 * n * GROUP:
        return _ordered(scores, np.broadcast_to(np.arange(scores.shape[1]), scores.shape), n)
    whole = scores.shape[1] // GROUP * GROUP
    grouped = scores[:, :whole].reshape(len(scores), -1, GROUP)
    highest = grouped.max(axis=2)
    best_groups = np.sort(_ordered(highest, np.broadcast_to(np.arange(highest.shape[1]), highest.shape), n), axis=1)
    columns = (best_groups[:, :, None] * GROUP + np.arange(GROUP)).reshape(len(scores), -1)
    rest = np.broadcast_to(np.arange(whole, scores.shape[1]), (len(scores), scores.shape[1] - whole))
    columns = np.concatenate([columns, rest], axis=1)
    return _ordered(np.take_along_axis(scores, columns, axis=1), columns, n)


def _ordered(scores: np.ndarray[Any, Any], columns: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
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
