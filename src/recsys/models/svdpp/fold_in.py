"""The parameters of SVD++ after a fold-in."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array, Arrays
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import UNKNOWN
from recsys.models.new_rows import merged, parameters_as_served, served_rows
from recsys.models.settings import Role
from recsys.models.svdpp.settings import OTHER, SvdPP, implicit_terms
from recsys.scoring.factors.scorer import Factors


def extend(settings: SvdPP, inputs: TrainingInputs, served: Factors) -> Arrays:
    """The parameters with rows for new users and items.

    New ones say nothing of others, and own rows are what leaves the effective ones as they are served: whom a new user
    has rated changes the implicit terms of these items, so that their own rows have to give way.
    """
    start = inputs.warm_start
    assert start is not None
    terms = {name for role in settings.implicit_of for name in implicit_terms(role)}
    own = [parameter for parameter in settings.parameters if parameter.name not in terms]
    parameters = {**start.rating_parameters, **parameters_as_served(own, start, served)}
    for role in settings.implicit_of:
        old_of = start.rows[OTHER[role]]
        names = f"{role}_embedding", f"{role}_bias"
        for name, implicit, is_bias in zip(names, implicit_terms(role), (False, True), strict=True):
            known = start.rating_parameters[implicit]
            silent = np.zeros((int((old_of == UNKNOWN).sum()), *known.shape[1:]), known.dtype)
            parameters[implicit] = merged(known, silent, old_of)
            rows, unit = served_rows(served, role, start.rating_scale.std, is_bias=is_bias)
            parameters[name] = _own_rows(rows, unit, parameters[implicit], inputs, role)
    return parameters


def _own_rows(served: Array, unit: float, implicit: Array, inputs: TrainingInputs, role: Role) -> Array:
    """What is left of the served rows without the implicit terms of all that has been rated."""
    seen, n = inputs.seen_ratings, len(served)
    idx = {"user": seen.user_idx, "item": seen.item_idx}
    counts = np.bincount(idx[role], minlength=n)
    columns = implicit.reshape(len(implicit), -1).T
    sums = np.stack([np.bincount(idx[role], column[idx[OTHER[role]]], n) for column in columns], axis=1)
    rows = served.reshape(n, -1)[:, : len(columns)] / unit - sums / np.sqrt(np.maximum(counts, 1))[:, None]
    return rows.reshape(-1, *implicit.shape[1:]).astype(np.float32)
