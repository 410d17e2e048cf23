"""What the features of an item or a user say of its row, before there are ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from recsys.core.types import Float32Array, Float64Array
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix


@dataclass(frozen=True, eq=False)
class FeaturePrior:
    """The row q of an item with features f is normal, with mean m + Bᵀf and covariance Σ; of a user likewise.

    A row is what scores are linear in: bias and factors of a rating scorer, the factors of a ranking scorer.

    Attributes:
        intercept: m, float32, shape (width,).
        weights: B, float32, shape (n_features, width).
        root: float64, shape (width, width); root @ root.T is Σ.
        strength: λ, see recsys.scoring.feature_prior.fit.
    """

    intercept: Float32Array
    weights: Float32Array
    root: Float64Array
    strength: float

    def rows(self, features: FeatureMatrix) -> Float32Array:
        """The means of rows with such features, float32, shape (n, width)."""
        return (features.times(self.weights.astype(np.float64)) + self.intercept).astype(np.float32)


Priors: TypeAlias = Mapping[Role, FeaturePrior]
"""Of one scorer: of the rows of its users, of its items, of both or of neither."""
