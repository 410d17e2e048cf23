"""What is learned: each kind of model has its own keys and defaults."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from recsys.core.section import Section

Auto = Literal["auto"]
WIDENING = 1 / 8  # of the scale seen, at each end: a sigmoid never reaches its ends
Dim = Annotated[int, Field(ge=1, le=4096)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class DotProduct(Section):
    """rating = global_mean + user_bias + item_bias + user_embedding · item_embedding."""

    groups: ClassVar[tuple[str, ...]] = ("items", "users")
    """The layer groups, from the first to the last layers: items stay, users come and go."""

    kind: Literal["dot_product"] = "dot_product"
    """dot_product: user and item embeddings with biases."""
    embedding_dim: Dim = 64
    """Number of latent factors of each user and item."""
    biases: bool = True
    """Whether each user and item has a bias, an offset of its own."""
    y_range: tuple[float, float] | None = None
    """[low, high]: the prediction goes through a sigmoid scaled to this range. Left out: linear."""
    clip: bool = True
    """Linear output only: predictions are clipped to the scale seen in training when they leave the library."""
    user_drift: bool = False
    """gibbs only: whether each user's bias moves with time, at every pace from seconds to months."""

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        _check_range(self.y_range)
        return self

    @property
    def implicit_of(self) -> tuple[str, ...]:
        """Roles whose rows have implicit terms, as in SVD++: none."""
        return ()


class EmbeddingNet(Section):
    """rating = sigmoid of a small neural network on the user's and the item's embedding, scaled to y_range."""

    kind: Literal["embedding_net"] = "embedding_net"
    """embedding_net: both embeddings through affine layers, each but the last followed by relu."""
    user_dim: Auto | Dim = "auto"
    """Length of a user's embedding; auto: min(600, 1.6 · n^0.56) for n users, rounded."""
    item_dim: Auto | Dim = "auto"
    """Length of an item's embedding; auto: min(600, 1.6 · n^0.56) for n items, rounded."""
    layers: tuple[Dim, ...] = (100, 50)
    """Sizes of the hidden layers, from the embeddings to the output; [] leaves a single affine layer."""
    batch_norm: bool = True
    """Whether batch normalisation follows each hidden layer's relu."""
    dropout: Dropout = 0.1
    """Share of each hidden layer's activations that is dropped in a training step."""
    embedding_dropout: Dropout = 0.45
    """Share of the embeddings' entries that is dropped in a training step."""
    y_range: Auto | tuple[float, float] = "auto"
    """[low, high] of the sigmoid; auto: the scale seen in training, each end an eighth of its width further out."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The layer groups, from the first to the last layers."""
        return ("embeddings", "hidden", "head") if self.layers else ("embeddings", "head")

    def dims(self, n_users: int, n_items: int) -> tuple[int, int]:
        """Lengths of a user's and an item's embedding; auto by fastai's rule, `emb_sz_rule`."""
        user, item = (min(600, round(1.6 * n**0.56)) for n in (n_users, n_items))
        return (
            user if self.user_dim == "auto" else self.user_dim,
            item if self.item_dim == "auto" else self.item_dim,
        )

    def output_range(self, low: float, high: float) -> tuple[float, float]:
        """The ends of the sigmoid for a scale from `low` to `high`; auto: 1 to 5 becomes 0.5 to 5.5."""
        if self.y_range != "auto":
            return self.y_range
        margin = WIDENING * (high - low) or 0.5
        return low - margin, high + margin

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        _check_range(None if self.y_range == "auto" else self.y_range)
        return self


class SvdPP(Section):
    """rating = mean + biases + a product of rows that also say whom or what somebody rated."""

    groups: ClassVar[tuple[str, ...]] = ("items", "users")
    """The layer groups, from the first to the last layers."""

    kind: Literal["svdpp"] = "svdpp"
    """svdpp: a dot product in which the items that a user rated count too, whatever the ratings."""
    embedding_dim: Dim = 20
    """Number of latent factors of each user and item."""
    flipped: bool = True
    """Whether the users who rated an item count for the item as well."""
    clip: bool = True
    """Predictions are clipped to the scale seen in training when they leave the library."""
    user_drift: bool = False
    """gibbs only: whether each user's bias moves with time, at every pace from seconds to months."""

    @property
    def implicit_of(self) -> tuple[str, ...]:
        """Roles whose rows have implicit terms."""
        return ("user", "item") if self.flipped else ("user",)


Model = Annotated[DotProduct | EmbeddingNet | SvdPP, Field(discriminator="kind")]


def _check_range(y_range: tuple[float, float] | None) -> None:
    if y_range is not None and not y_range[0] < y_range[1]:
        raise PydanticCustomError("y_range", "y_range has to be [low, high] with low < high")
