"""From scores to ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.core.types import Array, Float32Array
from recsys.scoring.censored_normal import censored_mean, within

LinkKind = Literal["identity", "clip", "sigmoid", "tobit"]
LEAST_STD = 1e-30  # of a tobit link: what is divided by it is finite


@dataclass(frozen=True)
class Link:
    """From a score to a rating: as it is, clipped to [low, high], a sigmoid scaled to it, or tobit.

    tobit: the mean of a rating ~ N(score, std²) that is clipped to [low, high].
    """

    kind: LinkKind
    low: float
    high: float
    std: float = 0.0

    def __call__(self, score: Float32Array, std: Float32Array | None = None) -> Float32Array:
        """rating = link(score), float32, the shape of `score`; with a tobit link `std` may be one for each score."""
        match self.kind:
            case "identity":
                return score
            case "clip":
                return np.minimum(np.maximum(score, np.float32(self.low)), np.float32(self.high))
            case "sigmoid":
                # tanh does not overflow where exp(−score) would
                share: Float32Array = 0.5 + 0.5 * np.tanh(0.5 * score)
                return np.float32(self.low) + np.float32(self.high - self.low) * share
            case "tobit":
                spread = np.full(len(score), self.std) if std is None else std.astype(np.float64)
                return censored_mean(score.astype(np.float64), spread, self.low, self.high).astype(np.float32)

    def fitted(self, score: Array, std: float | None = None) -> tuple[Array, Array]:
        """The slope at each score, and the rating there, of the link as training saw it: nothing is clipped.

        Args:
            score: of one user, shape (n,).
            std: of a tobit link, that of the user; None: the link's.
        """
        match self.kind:
            case "identity" | "clip":
                return np.ones(len(score)), score
            case "sigmoid":
                rating = self(score)
                return (rating - self.low) * (self.high - rating) / (self.high - self.low), rating
            case "tobit":
                stds = np.full(len(score), self.std if std is None else std)
                return within(score, stds, self.low, self.high), self(score, stds)

    def to_dict(self) -> dict[str, str | float]:
        """As a dict that json takes."""
        return {name: value for name, value in vars(self).items() if name != "std" or self.kind == "tobit"}
