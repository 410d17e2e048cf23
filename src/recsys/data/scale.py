"""The scale of the training ratings: what standardising and clipping need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.data.chunks import chunks

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of the training ratings, and the range that was seen, in rating units."""

    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def of(cls, rating: Floats) -> Scale:
        """The scale of ratings, float32, shape (n,); std is 1 where all of them are equal."""
        parts = [rating[rows] for rows in chunks(len(rating))]
        mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / len(rating)
        squares = sum(float(np.square(np.subtract(part, mean, dtype=np.float64)).sum()) for part in parts)
        std = math.sqrt(squares / len(rating))
        return cls(mean, std or 1.0, float(rating.min()), float(rating.max()))
