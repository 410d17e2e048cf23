"""The parameters of a model with rows for users and items that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recsys.core.types import Arrays, Float32Array, Indices
from recsys.data.training_inputs import WarmStart
from recsys.data.vocabulary import UNKNOWN
from recsys.models.settings import ParameterInfo, Role
from recsys.scoring.factors.scorer import Factors


def parameters_as_served(parameters: Iterable[ParameterInfo], start: WarmStart, served: Factors) -> Arrays:
    """Parameters that are served as they are but for their unit, the standard deviation of the training ratings.

    Args:
        parameters: of rows of factors or biases, those of new users and items among those of the known.
        start: the parameters of the known.
        served: the factors of all, in rating units.
    """
    arrays: Arrays = {}
    for parameter in parameters:
        assert parameter.rows is not None
        known = start.rating_parameters[parameter.name]
        rows, unit = served_rows(served, parameter.rows, start.rating_scale.std, is_bias=parameter.is_bias)
        if not parameter.is_bias:
            rows = rows[:, : known.shape[1]]  # a method may serve further columns, which are no parameters
        old_of = start.rows[parameter.rows]
        arrays[parameter.name] = merged(known, rows[old_of == UNKNOWN] / unit, old_of)
    return arrays


def served_rows(served: Factors, role: Role, std: float, *, is_bias: bool) -> tuple[Float32Array, float]:
    """Biases or factors as they are served, without the row of the unknown, and the model's unit of them in ratings."""
    bias = {"user": served.user_bias, "item": served.item_bias}
    factors = {"user": served.user_factors, "item": served.item_factors}
    return (bias[role][:-1], std) if is_bias else (factors[role][:-1], std**0.5)


def merged(known: Float32Array, new: Float32Array, old_of: Indices) -> Float32Array:
    """The rows of all: of those known, whose row `old_of` names, and of the new, where that is −1, in their order."""
    rows = np.empty((len(old_of), *known.shape[1:]), dtype=known.dtype)
    is_new = old_of == UNKNOWN
    rows[~is_new] = known[old_of[~is_new]]
    rows[is_new] = new
    return rows
