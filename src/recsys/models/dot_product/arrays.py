"""The dot product's parameters, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Arrays, Float32Array
from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.array_model import normal
from recsys.models.dot_product.layers import output_link
from recsys.models.dot_product.settings import DotProduct
from recsys.scoring.factors.scorer import Factors, Fallback, Rows, in_rating_units
from recsys.scoring.fallback import with_fallback

ALL = slice(None)
INIT_STD = 0.01  # fastai's: training starts near the model of biases alone


@dataclass(frozen=True, eq=False)
class DotProductArrays:
    """The parameters of a dot product; the formula is that of the torch module.

    Attributes:
        counted: which users and items have ratings; the others are served as the mean.
        arrays: user_embedding and item_embedding, float32, shapes (n_users, dim) and (n_items, dim); with biases,
            user_bias and item_bias, float32, shapes (n_users,) and (n_items,); global_mean, float32, shape (1,).
    """

    settings: DotProduct
    scale: Scale
    counted: Counted
    arrays: Arrays

    @classmethod
    def drawn(cls, counted: Counted, settings: DotProduct, scale: Scale, seed: int) -> DotProductArrays:
        """Those that training starts from."""
        shapes: dict[str, tuple[int, ...]] = {}
        for role, known in (("user", counted.users), ("item", counted.items)):
            shapes |= {f"{role}_embedding": (len(known), settings.embedding_dim), f"{role}_bias": (len(known),)}
        arrays: Arrays = {
            parameter.name: np.zeros(shapes[parameter.name], dtype=np.float32)
            if parameter.is_bias
            else normal(seed, parameter.name, shapes[parameter.name], INIT_STD)
            for parameter in settings.parameters
        }
        return cls(settings, scale, counted, {**arrays, "global_mean": np.zeros(1, dtype=np.float32)})

    def scorer(self, users: slice = ALL, user_fallback: Fallback = with_fallback) -> Factors:
        """The model as a scorer in rating units.

        Args:
            users: a part of them, where only that is asked for.
            user_fallback: see `in_rating_units`.
        """
        linear = self.settings.y_range is None
        unit = self.scale.std if linear else 1.0
        return in_rating_units(
            (self.scale.mean if linear else 0.0) + unit * float(self.arrays["global_mean"][0]),
            unit,
            Rows(self.arrays["user_embedding"][users], self._bias("user")[users], self.counted.users[users]),
            Rows(self.arrays["item_embedding"], self._bias("item"), self.counted.items),
            output_link(self.settings, self.scale),
            user_fallback,
        )

    def _bias(self, role: str) -> Float32Array:
        bias: Float32Array | None = self.arrays.get(f"{role}_bias")
        return np.zeros(len(self.arrays[f"{role}_embedding"]), dtype=np.float32) if bias is None else bias


def build(settings: DotProduct, seen: Interactions, scale: Scale, seed: int) -> DotProductArrays:
    """The parameters for the users and items of the ratings."""
    return DotProductArrays.drawn(seen.counted, settings, scale, seed)
