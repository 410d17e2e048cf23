"""Weights of columns of a score that validation ratings choose, one for each group of ratings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsys.core.types import Float32Array, Float64Array, Int64Array
from recsys.data.interactions import Interactions

Rate = Callable[[Float32Array], Float32Array]


def choose_weights(
    rate: Rate,
    valid: Interactions,
    score: Float32Array,
    column: Float32Array,
    group: Int64Array,
    n_groups: int,
    *,
    tried: Float64Array,
    expected: float,
    std: float,
) -> Float64Array:
    """Of each group the weight w that minimises Σ e² / σ² + (w − expected)² / std², e the errors of score + w · column.

    σ² is the mean of all e² at `expected`.

    Args:
        rate: from scores to ratings.
        score, column: of each rating.
        group: the number of its group; others than 0 to n_groups − 1 take no part.
        tried: weights to choose from.
    Returns:
        float64, shape (n_groups,).
    """
    takes_part = (group >= 0) & (group < n_groups)
    own = group[takes_part]

    def squares(weight: float) -> Float64Array:
        error = np.subtract(rate(score + np.float32(weight) * column), valid.rating, dtype=np.float64)
        return np.square(error)

    variance = squares(expected).mean()
    loss = np.stack([np.bincount(own, squares(weight)[takes_part], n_groups) for weight in tried.tolist()])
    away = variance * np.square((tried - expected) / std)
    return np.asarray(tried[(loss + away[:, None]).argmin(axis=0)])
