"""What features of items say of their biases and positions along the directions of taste."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.core.types import Json
from recsys.reporting.directions import Directions


@dataclass(frozen=True)
class FeatureWeight:
    """What a feature of 1 adds, in rating units, by the ridge regression of recsys.scoring.feature_prior.fit.

    Attributes:
        feature: such as "genres: Comedy".
        bias: to the item's bias.
        directions: to its position along each direction, see Directions.
        n_items: items of the ratings that have the feature.
    """

    feature: str
    bias: float
    directions: list[float]
    n_items: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def feature_weights(bundle: Bundle, directions: Directions, n: int) -> list[FeatureWeight]:
    """The n features that tell items apart most, by bias or along a direction; none where the run has no features.

    With b_j and q_j what feature j adds to the row of an item, it adds b_j + p̄·q_j to the bias and q_j @ axes to the
    positions. A feature tells items apart by its largest weight times its standard deviation over items, weighted by
    their ratings.
    """
    prior, features = read_priors(bundle)["rating"].get("item"), bundle.features("item")
    if prior is None or features is None:
        return []
    mean_user = bundle.factors.user_factors[:-1].mean(axis=0, dtype=np.float64)
    of_factors = prior.weights[:, 1:].astype(np.float64)
    bias, positions = prior.weights[:, 0] + of_factors @ mean_user, of_factors @ directions.axes
    matrix, counts = features.matrix_of(bundle.items), bundle.counts["rating"].items.astype(np.float64)
    mean, square = matrix.moments(counts)
    variance = (square - mean**2).clip(min=0.0)
    strength = np.abs(np.column_stack([bias, positions])).max(axis=1) * np.sqrt(variance)
    return [
        FeatureWeight(
            feature=features.encoder.names[j],
            bias=float(bias[j]),
            directions=positions[j].tolist(),
            n_items=int(matrix.column_counts[j]),
        )
        for j in np.argsort(-strength, kind="stable")[:n].tolist()
    ]
