"""The one way out of a model."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from recsys.core.types import Float32Array, Indices, Times
from recsys.scoring.factors import Factors
from recsys.scoring.network import Network

Trained: TypeAlias = Factors | Network
"""The scorers that training makes and a serving folder keeps."""


class Scorer(Protocol):
    """What evaluation, serving and reporting know of a model."""

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings of pairs, float32, shape (n,), in rating units; index −1 gets the stated fallback."""
        ...

    def score_all(self, user_idx: Indices) -> Float32Array:
        """Scores of every known item for each user: rank by these."""
        ...
