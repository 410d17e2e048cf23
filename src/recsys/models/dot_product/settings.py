"""The settings of the dot product."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from recsys.core.layout import ArraySpec, Layout
from recsys.models.settings import (
    NO_BIASES,
    NO_CLIP,
    SIGMOID_OUTPUT,
    USER_DRIFT,
    Dim,
    End,
    ModelSettings,
    ParameterInfo,
    Trait,
    check_range,
    rows_layout,
)


class DotProduct(ModelSettings):
    """rating = global_mean + user_bias + item_bias + user_embedding · item_embedding."""

    free_keys: ClassVar[frozenset[str]] = frozenset({"clip"})

    kind: Literal["dot_product"] = "dot_product"
    """dot_product: user and item embeddings with biases."""
    embedding_dim: Dim = 64
    """Number of latent factors of each user and item."""
    biases: bool = True
    """Whether each user and item has a bias, an offset of its own."""
    y_range: tuple[End, End] | None = None
    """[low, high]: the prediction goes through a sigmoid scaled to this range. Left out: linear."""
    clip: bool = True
    """Linear output only: predictions are clipped to the scale seen in training when they leave the library."""
    user_drift: bool = False
    """gibbs only: whether each user's bias moves with time, at every pace from seconds to months."""

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        check_range(self.y_range)
        return self

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """Items come first: they stay, while users come and go."""
        user = ParameterInfo("user_embedding", "users", "user"), ParameterInfo("user_bias", "users", "user", True)
        item = ParameterInfo("item_embedding", "items", "item"), ParameterInfo("item_bias", "items", "item", True)
        return tuple(parameter for parameter in (*item, *user) if self.biases or not parameter.is_bias)

    def layout(self) -> Layout:
        """The rows, and the global mean."""
        return {"global_mean": ArraySpec("float32", (1,)), **rows_layout(self.parameters, self.embedding_dim)}

    @property
    def uses_times(self) -> bool:
        """With a drift."""
        return self.user_drift

    @property
    def traits(self) -> tuple[Trait, ...]:
        """A sigmoid, no biases, no clip, a drift."""
        which = {
            SIGMOID_OUTPUT: self.y_range is not None,
            NO_BIASES: not self.biases,
            NO_CLIP: not self.clip,
            USER_DRIFT: self.user_drift,
        }
        return tuple(trait for trait, is_here in which.items() if is_here)

    @property
    def fixed_dim(self) -> int:
        """As the settings say."""
        return self.embedding_dim
