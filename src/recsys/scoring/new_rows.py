"""Rows that a scorer is given beside those that training made."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.core.types import Float32Array, Indices
from recsys.data.features.matrix import FeatureMatrix


@dataclass(frozen=True, eq=False)
class NewRows:
    """Users (or items) of an extended scorer.

    A row is what scores are linear in, see TrainedScorer.linear_rows; of a network the embedding.

    Attributes:
        source: for each of all, the index whose row it keeps; −1: it is served as the unknown; int32, shape (n,).
        idx: those of all that get a row of their own, int32.
        rows: these, float32, shape (len(idx), width).
        features: that tell of these, a row for each; None: something else does.
    """

    source: Indices
    idx: Indices
    rows: Float32Array
    features: FeatureMatrix | None = None
