"""The settings of the embedding net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from recsys.core.layout import FACTOR, ArraySpec, Layout, factors
from recsys.models.settings import ROLES, Auto, Dim, End, Layers, ModelSettings, ParameterInfo, Role, Shape, check_range

WIDENING = 1 / 8  # of the scale seen, at each end: a sigmoid never reaches its ends
Dropout = Annotated[float, Field(ge=0, lt=1)]


class EmbeddingNet(ModelSettings):
    """rating = sigmoid of a small neural network on the user's and the item's embedding, scaled to y_range.

    Where data.item_features or data.user_features are given, learned weights of the features are part of the embedding.
    """

    free_keys: ClassVar[frozenset[str]] = frozenset({"dropout", "embedding_dropout"})

    kind: Literal["embedding_net"] = "embedding_net"
    """embedding_net: both embeddings through affine layers, each but the last followed by relu."""
    user_dim: Auto | Dim = "auto"
    """Length of a user's embedding; auto: min(600, 1.6 · n^0.56) for n users, rounded."""
    item_dim: Auto | Dim = "auto"
    """Length of an item's embedding; auto: min(600, 1.6 · n^0.56) for n items, rounded."""
    layers: Layers = (100, 50)
    """Sizes of the hidden layers, from the embeddings to the output; [] leaves a single affine layer."""
    batch_norm: bool = True
    """Whether batch normalisation follows each hidden layer's relu."""
    dropout: Dropout = 0.1
    """Share of each hidden layer's activations that is dropped in a training step."""
    embedding_dropout: Dropout = 0.45
    """Share of the embeddings' entries that is dropped in a training step."""
    y_range: Auto | tuple[End, End] = "auto"
    """[low, high] of the sigmoid; auto: the scale seen in training, each end an eighth of its width further out."""

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """The embeddings, then the layers, each with a weight and a bias."""
        return tuple(parameter for layer in self.parameters_by_layer.values() for parameter in layer)

    @property
    def parameters_by_layer(self) -> dict[str, tuple[ParameterInfo, ...]]:
        """Layer → its parameters, the weight first."""
        names = {role: f"{role}_embedding" for role in ROLES}
        parameters: dict[str, tuple[ParameterInfo, ...]] = {
            name: (ParameterInfo(name, "embeddings", role),) for role, name in names.items()
        }
        for number in range(len(self.layers)):
            for part in ("affine", "norm") if self.batch_norm else ("affine",):
                name = f"hidden.{number}.{part}"
                parameters[name] = _weight_and_bias(name, "hidden")
        return {**parameters, "head": _weight_and_bias("head", "head")}

    def layout(self) -> Layout:
        """The embeddings, weights of features where there are any, and layers.

        A norm has the mean and the variance of what it has seen, too.
        """
        dims: dict[str, int | str] = {"user": self.user_dim, "item": self.item_dim}
        width: tuple[int | str, ...] = tuple(f"{role}_dim" if dim == "auto" else dim for role, dim in dims.items())
        arrays = {f"{role}_embedding": factors(f"n_{role}s", width[place]) for place, role in enumerate(ROLES)}
        of_features = {
            name: factors(f"n_{role}_features", width[place], group=name)
            for place, role in enumerate(ROLES)
            for name in [feature_weights(role)]
        }
        for number, size in enumerate(self.layers):
            name = f"hidden.{number}"
            arrays |= {f"{name}.affine.weight": factors(size, width), f"{name}.affine.bias": factors(size)}
            if self.batch_norm:
                arrays |= {f"{name}.norm.{part}": factors(size) for part in ("weight", "bias", "running_mean")}
                arrays[f"{name}.norm.running_var"] = ArraySpec("float32", (size,), 0, FACTOR)
            width = (size,)
        return {**arrays, "head.weight": factors(1, width), "head.bias": factors(1), **of_features}

    def dims(self, n_users: int, n_items: int) -> tuple[int, int]:
        """Lengths of a user's and an item's embedding; auto by fastai's rule, `emb_sz_rule`."""
        user, item = (min(600, round(1.6 * n**0.56)) for n in (n_users, n_items))
        return (
            user if self.user_dim == "auto" else self.user_dim,
            item if self.item_dim == "auto" else self.item_dim,
        )

    def least_numbers(self, n_users: int, n_items: int) -> int:
        """Those of the embeddings."""
        user, item = self.dims(n_users, n_items)
        return n_users * user + n_items * item

    def output_range(self, low: float, high: float) -> tuple[float, float]:
        """The ends of the sigmoid for a scale from `low` to `high`; auto: 1 to 5 becomes 0.5 to 5.5."""
        if self.y_range != "auto":
            return self.y_range
        margin = WIDENING * (high - low) or 0.5
        return low - margin, high + margin

    def with_inherited_dims(self, shapes: Mapping[str, Shape]) -> Self:
        """auto follows the number of users and items, which is another one now: the lengths stay as they were."""
        dims = {"user_dim": self.user_dim, "item_dim": self.item_dim}
        inherited = {f"{role}_dim": shapes[f"{role}_embedding"][1] for role in ROLES}
        return self.model_copy(update={key: inherited[key] for key, dim in dims.items() if dim == "auto"})

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        check_range(None if self.y_range == "auto" else self.y_range)
        return self


def feature_weights(role: Role) -> str:
    """The parameter that makes an embedding of features: shape (n_features, user_dim or item_dim)."""
    return f"{role}_feature_weights"


def _weight_and_bias(name: str, group: str) -> tuple[ParameterInfo, ParameterInfo]:
    return ParameterInfo(f"{name}.weight", group, None), ParameterInfo(f"{name}.bias", group, None, True)
