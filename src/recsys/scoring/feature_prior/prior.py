"""What the features of an item or a user say of its row, before there are ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from recsys.core.types import Float32Array, Float64Array, Indices
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.pairs import no_pairs, pair_names, with_pairs


@dataclass(frozen=True, eq=False)
class FeaturePrior:
    """The row q of an item with features f is normal, with mean m + Bᵀf and covariance Σ; of a user likewise.

    A row is what scores are linear in: bias and factors of a rating scorer, the factors of a ranking scorer.

    Attributes:
        intercept: m, float32, shape (width,).
        weights: B, float32, shape (n_features + n_pairs, width).
        root: float64, shape (width, width); root @ root.T is Σ.
        strength: λ, see recsys.scoring.feature_prior.fit.
        pairs: of categories, for which f has columns behind those of the features, see recsys.data.features.pairs;
            int32, shape (n_pairs, 2).
    """

    intercept: Float32Array
    weights: Float32Array
    root: Float64Array
    strength: float
    pairs: Indices = field(default_factory=no_pairs)

    def columns(self, features: FeatureMatrix) -> FeatureMatrix:
        """f of rows with such features."""
        return with_pairs(features, self.pairs)

    def names(self, of_features: Sequence[str]) -> list[str]:
        """What the columns of f are called."""
        return [*of_features, *pair_names(of_features, self.pairs)]

    def rows(self, features: FeatureMatrix) -> Float32Array:
        """The means of rows with such features, float32, shape (n, width)."""
        return (self.columns(features).times(self.weights.astype(np.float64)) + self.intercept).astype(np.float32)


Priors: TypeAlias = Mapping[Role, FeaturePrior]
"""Of one scorer: of the rows of its users, of its items, of both or of neither."""
