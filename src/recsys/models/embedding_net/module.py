"""The embedding net: a user's and an item's embedding, and affine layers that make a rating of them."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.embedding_net import settings as config
from recsys.models.embedding_net.layers import output_link
from recsys.models.torch_layers import Affine, Dropout, Norm, normal
from recsys.models.torch_module import RatingModule
from recsys.scoring.fallback import with_fallback
from recsys.scoring.network.scorer import Network, Weights

INIT_STD = 0.01  # fastai's


class EmbeddingNet(RatingModule):
    """r̂ = low + (high − low) · sigmoid(head(hidden(… hidden([user_embedding[u], item_embedding[i]])))).

    A hidden layer is affine → relu → batch norm → dropout; the head is affine with one output.

    Attributes:
        user_embedding, item_embedding: parameters, float32, shapes (n_users, user_dim) and (n_items, item_dim).
        hidden: the hidden layers, each with `affine` (weight (size, size before), bias (size,)) and, with batch_norm,
            `norm` (weight and bias (size,); buffers running_mean and running_var).
        head: weight (1, size before), bias (1,); its output is in the sigmoid's own units.

    Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", the deep part; fastai's EmbeddingNN.
    """

    settings: config.EmbeddingNet

    def __init__(self, counted: Counted, settings: config.EmbeddingNet, scale: Scale, seed: int) -> None:
        super().__init__()
        n_users, n_items = len(counted.users), len(counted.items)
        dims = settings.dims(n_users, n_items)
        self.settings = settings.model_copy(update={"user_dim": dims[0], "item_dim": dims[1]})
        self.scale, self.counted = scale, counted
        self.y_range = settings.output_range(scale.low, scale.high)
        sizes = [sum(dims), *settings.layers]
        self.user_embedding = normal(seed, "user_embedding", (n_users, dims[0]), INIT_STD)
        self.item_embedding = normal(seed, "item_embedding", (n_items, dims[1]), INIT_STD)
        self.embedding_dropout = Dropout(settings.embedding_dropout)
        self.hidden = nn.ModuleList(
            Hidden(seed, f"hidden.{n}", n_in, n_out, settings)
            for n, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
        )
        self.head = Affine(seed, "head", sizes[-1], 1)

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units; indices of shape (n,) give shape (n,)."""
        # index_select for the same reason as in the dot product.
        user = self.user_embedding.index_select(0, user_idx)
        item = self.item_embedding.index_select(0, item_idx)
        activations = self.embedding_dropout(torch.cat([user, item], dim=1))
        for layer in self.hidden:
            activations = layer(activations)
        low, high = self.y_range
        score: Tensor = self.head(activations).squeeze(1)
        return low + (high - low) * torch.sigmoid(score)

    def scorer(self) -> Network:
        """The model as a scorer; batch norm, which is affine once training is over, goes into the layer after it."""
        layers: list[Weights] = []
        norm: Norm | None = None
        for layer in self.hidden:
            assert isinstance(layer, Hidden)
            layers.append(_folded(layer.affine, norm))
            norm = layer.norm
        layers.append(_folded(self.head, norm))
        return Network(
            user_embedding=with_fallback(self.user_embedding.detach().cpu().numpy(), self.counted.users),
            item_embedding=with_fallback(self.item_embedding.detach().cpu().numpy(), self.counted.items),
            layers=tuple(layers),
            link=output_link(self.settings, self.scale),
        )


class Hidden(nn.Module):
    """affine → relu → batch norm → dropout."""

    def __init__(self, seed: int, name: str, n_in: int, n_out: int, settings: config.EmbeddingNet) -> None:
        super().__init__()
        self.affine = Affine(seed, f"{name}.affine", n_in, n_out)
        self.norm = Norm(n_out) if settings.batch_norm else None
        self.dropout = Dropout(settings.dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (n, n_in) → (n, n_out)."""
        activations = torch.relu(self.affine(inputs))
        if self.norm is not None:
            activations = self.norm(activations)
        dropped: Tensor = self.dropout(activations)
        return dropped


def build(settings: config.EmbeddingNet, seen: Interactions, scale: Scale, seed: int) -> EmbeddingNet:
    """The module for the users and items of the ratings."""
    return EmbeddingNet(seen.counted, settings, scale, seed)


def _folded(affine: Affine, norm: Norm | None) -> Weights:
    """An affine layer that takes the activations from before the norm: W(s·x + t) + b = (W·s)x + (Wt + b)."""
    weight, bias = (parameter.detach().cpu().double().numpy() for parameter in (affine.weight, affine.bias))
    if norm is not None:
        factor, shift = norm.as_affine()
        bias = bias + weight @ shift
        weight = weight * factor
    return Weights(weight.astype(np.float32), bias.astype(np.float32))
