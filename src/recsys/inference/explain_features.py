"""What the features of an item that nobody has rated add to its score for a user."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.core.types import Float64Array, Json


@dataclass(frozen=True)
class FeatureContribution:
    """What a feature of the item adds to the score, beyond an item without it."""

    feature: str
    contribution: float

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def feature_contributions(
    bundle: Bundle,
    by: Literal["rating", "ranking"],
    user: Float64Array,
    item_idx: int,
    affinity: Float64Array | None = None,
) -> tuple[FeatureContribution, ...]:
    """Of an item whose row is m + Bᵀf, f_j · (1, p_u)·B_j of each feature j, the largest first; of others nothing.

    Args:
        user: the user's factors p_u, shape (dim,).
        affinity: of the user to each feature, which is added to what the row says of it, shape (n_features,).
    """
    flags, features = bundle.from_features.get(by), bundle.features("item")
    if flags is None or features is None or not flags.items[item_idx]:
        return ()
    prior = read_priors(bundle)[by]["item"]
    own = prior.columns(features.matrix.take(features.ids.index([bundle.items.id_at(item_idx)])))
    names, weights = prior.names(features.encoder.names), prior.weights[own.column].astype(np.float64)
    terms = own.value * (weights[:, 0] + weights[:, 1:] @ user)
    if affinity is not None:
        terms += own.value * affinity[own.column]
    return tuple(
        FeatureContribution(names[own.column[j]], float(terms[j]))
        for j in np.argsort(-np.abs(terms), kind="stable").tolist()
        if own.value[j]
    )
