"""The embedding net: a user's and an item's embedding, and affine layers that make a rating of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsys.core.types import Float32Array
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.embedding_net import settings as config
from recsys.models.embedding_net.layers import output_link
from recsys.models.embedding_net.settings import feature_weights
from recsys.models.settings import ROLES, ParameterInfo, Role
from recsys.models.torch_layers import Affine, Dropout, Norm, normal
from recsys.models.torch_module import RatingModule
from recsys.scoring.fallback import with_fallback
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.network.scorer import Network, Weights

INIT_STD = 0.01  # fastai's


class EmbeddingNet(RatingModule):
    """r̂ = low + (high − low) · sigmoid(head(hidden(… hidden([user[u], item[i]])))).

    user[u] = user_embedding[u] + user_feature_weightsᵀ f_u where users have features f, else the embedding alone; items
    likewise. So whoever is new is predicted by the mean embedding and the features.

    A hidden layer is affine → relu → batch norm → dropout; the head is affine with one output.

    Attributes:
        user_embedding, item_embedding: parameters, float32, shapes (n_users, user_dim) and (n_items, item_dim).
        user_feature_weights, item_feature_weights: where there are features, a row for each of these; they start at 0.
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
        self.features = nn.ModuleDict()
        self.hidden = nn.ModuleList(
            Hidden(seed, f"hidden.{n}", n_in, n_out, settings)
            for n, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
        )
        self.head = Affine(seed, "head", sizes[-1], 1)

    def add_features(self, matrices: Mapping[Role, FeatureMatrix]) -> None:
        """Adds weights for the features of users, of items, or both."""
        for role, matrix in matrices.items():
            dim = self.get_parameter(f"{role}_embedding").shape[1]
            self.register_parameter(feature_weights(role), nn.Parameter(torch.zeros(matrix.n_columns, dim)))
            self.features[role] = SparseRows(matrix)

    @property
    def learned(self) -> tuple[ParameterInfo, ...]:
        """Those of the settings, and the weights of features."""
        of_features = [ParameterInfo(feature_weights(role), "embeddings", None) for role in self._roles]
        return (*self.settings.parameters, *of_features)

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units; indices of shape (n,) give shape (n,)."""
        user, item = self._embedded("user", user_idx), self._embedded("item", item_idx)
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
            user_embedding=with_fallback(self._rows("user"), self.counted.users),
            item_embedding=with_fallback(self._rows("item"), self.counted.items),
            layers=tuple(layers),
            link=output_link(self.settings, self.scale),
            priors={role: self._prior(role) for role in self._roles},
        )

    @property
    def _roles(self) -> list[Role]:
        """Who has features."""
        return [role for role in ROLES if role in self.features]

    def _embedded(self, role: Role, idx: Tensor) -> Tensor:
        # index_select for the same reason as in the dot product.
        rows = self.get_parameter(f"{role}_embedding").index_select(0, idx)
        if role not in self.features:
            return rows
        of_features: Tensor = self.features[role](idx, self.get_parameter(feature_weights(role)))
        return rows + of_features

    def _rows(self, role: Role) -> Float32Array:
        """What the layers get of each user or item, float32, shape (n, dim)."""
        n = len(self.get_parameter(f"{role}_embedding"))
        with torch.no_grad():
            every = torch.arange(n, device=self.head.weight.device)
            rows: Float32Array = self._embedded(role, every).cpu().numpy()
        return rows

    def _prior(self, role: Role) -> FeaturePrior:
        """The mean embedding of those with ratings, and the weights of features."""
        embedding, weights = (
            self.get_parameter(name).detach().cpu().numpy() for name in (f"{role}_embedding", feature_weights(role))
        )
        is_counted = self.counted.users if role == "user" else self.counted.items
        width = embedding.shape[1]
        mean = with_fallback(embedding, is_counted)[-1]
        return FeaturePrior(mean, weights, np.zeros((width, width)), strength=1.0)


class SparseRows(nn.Module):
    """The features of all users or items, of which some rows are multiplied by weights.

    Attributes:
        start, column, value: buffers, as of FeatureMatrix; checkpoints leave them out.
    """

    start: Tensor
    column: Tensor
    value: Tensor

    def __init__(self, matrix: FeatureMatrix) -> None:
        super().__init__()
        for name in ("start", "column", "value"):
            self.register_buffer(name, torch.from_numpy(getattr(matrix, name).copy()), persistent=False)

    def forward(self, idx: Tensor, weights: Tensor) -> Tensor:
        """Rows of the product, shapes (n,) and (n_features, dim) → (n, dim)."""
        first, last = self.start.index_select(0, idx), self.start.index_select(0, idx + 1)
        counts = last - first
        offsets = counts.cumsum(0) - counts
        entry = torch.repeat_interleave(first - offsets, counts) + torch.arange(int(counts.sum()), device=idx.device)
        product: Tensor = functional.embedding_bag(
            self.column.index_select(0, entry).long(),
            weights,
            offsets,
            mode="sum",
            per_sample_weights=self.value.index_select(0, entry),
        )
        return product


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
