"""The dot-product model: a rating is a mean, two biases, and how well two embeddings agree."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.dot_product import settings as config
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.models.torch_module import RatingModule
from recsys.scoring.factors.scorer import Factors


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
        drawn = DotProductArrays.drawn(counted, settings, scale, seed).arrays
        first = {name: nn.Parameter(torch.from_numpy(array)) for name, array in drawn.items()}
        self.user_embedding, self.item_embedding = first["user_embedding"], first["item_embedding"]
        self.user_bias, self.item_bias = first.get("user_bias"), first.get("item_bias")
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
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}
        return DotProductArrays(self.settings, self.scale, self.counted, arrays).scorer()


def build(settings: config.DotProduct, seen: Interactions, scale: Scale, seed: int) -> DotProduct:
    """The module for the users and items of the ratings."""
    return DotProduct(seen.counted, settings, scale, seed)
