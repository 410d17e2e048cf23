"""What a model is that needs no torch: its parameters as arrays."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Arrays, Float32Array
from recsys.data.scale import Scale
from recsys.models.settings import ModelSettings
from recsys.scoring.protocols import TrainedScorer


class ArrayModel(Protocol):
    """Parameters that a method changes in place."""

    @property
    def settings(self) -> ModelSettings:
        """Those that it was made by; they list its parameters."""
        ...

    @property
    def scale(self) -> Scale:
        """Of the training ratings."""
        ...

    @property
    def arrays(self) -> Arrays:
        """Parameters and buffers under their names in the torch module."""
        ...

    def scorer(self) -> TrainedScorer:
        """The model as it stands."""
        ...


def normal(seed: int, name: str, shape: tuple[int, ...], std: float) -> Float32Array:
    """A parameter drawn from N(0, std²) for this seed and name, float32."""
    drawn = rng(seed, f"init {name}").standard_normal(shape, dtype=np.float32)
    drawn *= np.float32(std)
    return drawn
