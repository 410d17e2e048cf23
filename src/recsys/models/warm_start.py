"""A model that starts from another one's parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.core.types import Arrays
from recsys.data.training_inputs import WarmStart
from recsys.data.vocabulary import UNKNOWN
from recsys.models.settings import ParameterInfo


def inherit_parameters(arrays: Arrays, parameters: Sequence[ParameterInfo], start: WarmStart) -> None:
    """Overwrites a model's arrays: rows of known users and items bit for bit, and all other layers.

    What the earlier model did not have stays as it is. A fresh row starts at the mean of the inherited ones, which is
    what an unknown id is predicted by, plus the small random numbers that the model was made with.
    """
    rows_of = {parameter.name: parameter.rows for parameter in parameters}
    for name, array in arrays.items():
        old = start.rating_parameters.get(name)
        if old is None:
            continue
        role = rows_of.get(name)  # of a buffer: none
        if role is None:
            array[...] = old
            continue
        rows = start.rows[role]
        array += old.mean(axis=0, dtype=np.float64).astype(np.float32)
        array[rows != UNKNOWN] = old[rows[rows != UNKNOWN]]
