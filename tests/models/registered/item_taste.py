"""A throw-away model in one file: rating = mean + std · (item_bias + user_embedding · item_embedding)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from recsys.core.layout import Layout
from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.layers import Anatomy, Layer, computed, learned
from recsys.models.settings import Dim, ModelSettings, ParameterInfo, Shape, rows_layout
from recsys.models.specs import MODELS, ModelSpec
from recsys.models.torch_layers import normal
from recsys.models.torch_module import RatingModule
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units
from recsys.scoring.link import Link
from recsys.training.specs import METHODS, Fit


class ItemTaste(ModelSettings):
    """rating = mean + std · (item_bias + user_embedding · item_embedding)."""

    kind: Literal["item_taste"] = "item_taste"
    """item_taste: a dot product without biases of users."""
    dim: Dim = 3
    """Number of latent factors."""

    @property
    def parameters(self) -> tuple[ParameterInfo, ...]:
        """Items first."""
        return (
            ParameterInfo("item_embedding", "items", "item"),
            ParameterInfo("item_bias", "items", "item", True),
            ParameterInfo("user_embedding", "users", "user"),
        )

    def layout(self) -> Layout:
        """The rows."""
        return rows_layout(self.parameters, self.dim)


class Module(RatingModule):
    """The torch module."""

    settings: ItemTaste

    def __init__(self, counted: Counted, settings: ItemTaste, scale: Scale, seed: int) -> None:
        super().__init__()
        self.settings, self.scale, self.counted = settings, scale, counted
        n_users, n_items = len(counted.users), len(counted.items)
        self.user_embedding = normal(seed, "user_embedding", (n_users, settings.dim), 0.1)
        self.item_embedding = normal(seed, "item_embedding", (n_items, settings.dim), 0.1)
        self.item_bias = nn.Parameter(torch.zeros(n_items))

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Ratings."""
        user, item = self.user_embedding.index_select(0, user_idx), self.item_embedding.index_select(0, item_idx)
        total = (user * item).sum(dim=1) + self.item_bias.index_select(0, item_idx)
        return self.scale.mean + self.scale.std * total

    def scorer(self) -> Factors:
        """The factors that it is served by."""
        user, item, bias = (
            tensor.detach().numpy() for tensor in (self.user_embedding, self.item_embedding, self.item_bias)
        )
        users = Rows(user, np.zeros(len(user), np.float32), self.counted.users)
        link = Link("identity", self.scale.low, self.scale.high)
        return in_rating_units(self.scale.mean, self.scale.std, users, Rows(item, bias, self.counted.items), link)


def build(settings: ItemTaste, seen: Interactions, scale: Scale, seed: int) -> Module:
    """The module."""
    return Module(seen.counted, settings, scale, seed)


def layers(settings: ItemTaste, shapes: Mapping[str, Shape], scale: Scale, served: Link | None) -> Anatomy:
    """The layers."""
    link = served or Link("identity", scale.low, scale.high)
    return Anatomy(tuple(_layers(settings, shapes)), link)


def _layers(settings: ItemTaste, shapes: Mapping[str, Shape]) -> Iterator[Layer]:
    for parameter in settings.parameters:
        yield learned(parameter.name, (parameter,), shapes)
    yield computed("product", (settings.dim,))
    yield computed("sum and bias", (1,))


MODELS["item_taste"] = ModelSpec(
    settings="item_taste:ItemTaste", scorer="factors", module="item_taste:build", layers="item_taste:layers"
)
_FIT = Fit(learner="recsys.training.adamw.build:factors", space="recsys.training.space:RATES")
METHODS["adamw"] = replace(METHODS["adamw"], models={**METHODS["adamw"].models, "item_taste": _FIT})
