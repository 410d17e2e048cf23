"""The dot-product model: a rating is a mean, two biases, and how well two embeddings agree."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from recsys.core.types import Float32Array
from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.dot_product import settings as config
from recsys.models.dot_product.layers import output_link
from recsys.models.torch_layers import normal
from recsys.models.torch_module import RatingModule
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units

INIT_STD = 0.01  # fastai's: training starts near the model of biases alone


class DotProduct(RatingModule):
    """r̂ = link(global_mean + user_bias[u] + item_bias[i] + user_embedding[u] · item_embedding[i]).

    The sum is in units of the training ratings' standard deviation, and the link is mean + std · sum; with a
    y_range it is a sigmoid scaled to that range, and the sum has the sigmoid's own units. `global_mean` is fixed at
    0: the training mean, or the middle of the y_range as in the lesson, where biases then learn the mean too.

    Attributes:
        user_embedding, item_embedding: parameters, float32, shapes (n_users, dim) and (n_items, dim).
        user_bias, item_bias: parameters, float32, shapes (n_users,) and (n_items,); None without biases.
        global_mean: buffer, float32, shape (1,).

    Source: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems".
    """

    settings: config.DotProduct
    global_mean: Tensor

    def __init__(self, counted: Counted, settings: config.DotProduct, scale: Scale, seed: int) -> None:
        super().__init__()
        self.settings, self.scale, self.counted = settings, scale, counted
        n_users, n_items, dim = len(counted.users), len(counted.items), settings.embedding_dim
        self.user_embedding = normal(seed, "user_embedding", (n_users, dim), INIT_STD)
        self.item_embedding = normal(seed, "item_embedding", (n_items, dim), INIT_STD)
        self.user_bias = nn.Parameter(torch.zeros(n_users)) if settings.biases else None
        self.item_bias = nn.Parameter(torch.zeros(n_items)) if settings.biases else None
        self.register_buffer("global_mean", torch.zeros(1))

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units, not clipped; indices of shape (n,) give shape (n,)."""
        # An embedding is a lookup of rows. The gradient of index_select is the same with any number of threads, which
        # that of indexing with [] is not.
        user = self.user_embedding.index_select(0, user_idx)
        item = self.item_embedding.index_select(0, item_idx)
        total = (user * item).sum(dim=1) + self.global_mean
        if self.user_bias is not None and self.item_bias is not None:
            total = total + self.user_bias.index_select(0, user_idx) + self.item_bias.index_select(0, item_idx)
        if self.settings.y_range is None:
            return self.scale.mean + self.scale.std * total
        low, high = self.settings.y_range
        return low + (high - low) * torch.sigmoid(total)

    def scorer(self) -> Factors:
        """The model as a scorer in rating units."""
        linear = self.settings.y_range is None
        unit = self.scale.std if linear else 1.0
        user, item = _array(self.user_embedding), _array(self.item_embedding)
        return in_rating_units(
            (self.scale.mean if linear else 0.0) + unit * float(self.global_mean),
            unit,
            Rows(user, _bias(self.user_bias, len(user)), self.counted.users),
            Rows(item, _bias(self.item_bias, len(item)), self.counted.items),
            output_link(self.settings, self.scale),
        )


def build(settings: config.DotProduct, seen: Interactions, scale: Scale, seed: int) -> DotProduct:
    """The module for the users and items of the ratings."""
    return DotProduct(seen.counted, settings, scale, seed)


def _bias(parameter: Tensor | None, n: int) -> Float32Array:
    return np.zeros(n, dtype=np.float32) if parameter is None else _array(parameter)


def _array(parameter: Tensor) -> Float32Array:
    array: Float32Array = parameter.detach().cpu().numpy()
    return array
