"""Priors as they are stored: of each scorer and role an intercept, weights, a root and a strength."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

import numpy as np

from recsys.core.layout import LARGEST, ArraySpec, Layout, factors
from recsys.core.types import Arrays
from recsys.data.features.kind import Role
from recsys.scoring.feature_prior.prior import FeaturePrior, Priors

ROLES: tuple[Role, ...] = get_args(Role)
LEAST_STRENGTH = 1e-300


def prior_arrays(priors: Mapping[str, Priors]) -> Arrays:
    """The arrays of the priors of each scorer."""
    arrays: Arrays = {}
    for scorer, of_roles in priors.items():
        for role, prior in of_roles.items():
            arrays |= {
                f"{scorer}.{role}.intercept": prior.intercept,
                f"{scorer}.{role}.weights": prior.weights,
                f"{scorer}.{role}.root": prior.root,
                f"{scorer}.{role}.strength": np.array([prior.strength]),
            }
    return arrays


def priors_layout(scorers: Iterable[str]) -> Layout:
    """What they are; "n_user_features" and "n_item_features" are the columns of the features' matrices."""
    layout: dict[str, ArraySpec] = {}
    for scorer in scorers:
        for role in ROLES:
            group, width = f"{scorer}.{role}", f"width of {scorer}.{role}"
            layout |= {
                f"{group}.intercept": factors(width, group=group),
                f"{group}.weights": factors(f"n_{role}_features", width, group=group),
                f"{group}.root": factors(width, width, dtype="float64", group=group),
                f"{group}.strength": ArraySpec("float64", (1,), LEAST_STRENGTH, LARGEST, group=group),
            }
    return layout


def priors_from(arrays: Arrays, scorers: Iterable[str]) -> dict[str, Priors]:
    """The priors of arrays that are as their layout says."""
    return {
        scorer: {
            role: FeaturePrior(
                arrays[f"{scorer}.{role}.intercept"],
                arrays[f"{scorer}.{role}.weights"],
                arrays[f"{scorer}.{role}.root"],
                float(arrays[f"{scorer}.{role}.strength"][0]),
            )
            for role in ROLES
            if f"{scorer}.{role}.intercept" in arrays
        }
        for scorer in scorers
    }
