"""Priors as they are stored: of each scorer and role an intercept, weights, a root, a strength and perhaps pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

import numpy as np

from recsys.core.layout import LARGEST, ArraySpec, Layout, factors
from recsys.core.types import Arrays
from recsys.data.features.kind import Role
from recsys.data.features.pairs import no_pairs
from recsys.scoring.feature_prior.prior import FeaturePrior, Priors

ROLES: tuple[Role, ...] = get_args(Role)
LEAST_STRENGTH = 1e-300


def prior_arrays(priors: Mapping[str, Priors]) -> Arrays:
    """The arrays of the priors of each scorer."""
    arrays: Arrays = {}
    for scorer, of_roles in priors.items():
        for role, prior in of_roles.items():
            n_features = len(prior.weights) - len(prior.pairs)
            arrays |= {
                f"{scorer}.{role}.intercept": prior.intercept,
                f"{scorer}.{role}.weights": prior.weights[:n_features],
                f"{scorer}.{role}.root": prior.root,
                f"{scorer}.{role}.strength": np.array([prior.strength]),
            }
            if len(prior.pairs):
                arrays |= {
                    f"{scorer}.{role}.pairs": prior.pairs,
                    f"{scorer}.{role}.pair_weights": prior.weights[n_features:],
                }
    return arrays


def priors_layout(scorers: Iterable[str]) -> Layout:
    """What they are; "n_user_features" and "n_item_features" are the columns of the features' matrices."""
    layout: dict[str, ArraySpec] = {}
    for scorer in scorers:
        for role in ROLES:
            group, width = f"{scorer}.{role}", f"width of {scorer}.{role}"
            pairs = f"pairs of {group}"
            layout |= {
                f"{group}.intercept": factors(width, group=group),
                f"{group}.weights": factors(f"n_{role}_features", width, group=group),
                f"{group}.root": factors(width, width, dtype="float64", group=group),
                f"{group}.strength": ArraySpec("float64", (1,), LEAST_STRENGTH, LARGEST, group=group),
                f"{group}.pairs": ArraySpec("int32", (pairs, 2), 0, (f"n_{role}_features", -1), group=pairs),
                f"{group}.pair_weights": factors(pairs, width, group=pairs),
            }
    return layout


def priors_from(arrays: Arrays, scorers: Iterable[str]) -> dict[str, Priors]:
    """The priors of arrays that are as their layout says.

    Raises:
        ValueError: pairs do not rise.
    """
    return {
        scorer: {role: _prior(arrays, f"{scorer}.{role}") for role in ROLES if f"{scorer}.{role}.intercept" in arrays}
        for scorer in scorers
    }


def _prior(arrays: Arrays, group: str) -> FeaturePrior:
    pairs, weights = arrays.get(f"{group}.pairs", no_pairs()), arrays[f"{group}.weights"]
    before, after = pairs[:-1].astype(np.int64), pairs[1:].astype(np.int64)
    rises = (before[:, 0] < after[:, 0]) | ((before[:, 0] == after[:, 0]) & (before[:, 1] < after[:, 1]))
    if not rises.all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"the array '{group}.pairs' does not rise")
    if len(pairs):
        weights = np.concatenate([weights, arrays[f"{group}.pair_weights"]])
    strength = float(arrays[f"{group}.strength"][0])
    return FeaturePrior(arrays[f"{group}.intercept"], weights, arrays[f"{group}.root"], strength, pairs)
