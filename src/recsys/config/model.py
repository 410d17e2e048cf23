"""What is learned."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.config.section import Section


class DotProduct(Section):
    """rating = global_mean + user_bias + item_bias + user_embedding · item_embedding."""

    kind: Literal["dot_product"] = "dot_product"
    """The model; dot_product is user and item embeddings with biases."""
    embedding_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    """Number of latent factors of each user and item."""
    biases: bool = True
    """Whether each user and item has a bias, an offset of its own."""
    y_range: tuple[float, float] | None = None
    """[low, high]: the prediction goes through a sigmoid scaled to this range. Left out: linear."""
    clip: bool = True
    """Linear output only: predictions are clipped to the scale seen in training when they leave the library."""

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        if self.y_range is not None and not self.y_range[0] < self.y_range[1]:
            raise PydanticCustomError("y_range", "y_range has to be [low, high] with low < high")
        return self


Model = DotProduct
