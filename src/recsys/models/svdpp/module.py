"""SVD++: a dot product in which whom or what somebody rated says something too, whatever the rating."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from recsys.data.interactions import Interactions
from recsys.data.scale import Scale
from recsys.models.settings import Role
from recsys.models.svdpp import settings as config
from recsys.models.svdpp.arrays import Neighbours, SvdPPArrays
from recsys.models.torch_module import RatingModule
from recsys.scoring.factors.scorer import Factors


class _Bags(NamedTuple):
    """Neighbours as tensors."""

    idx: Tensor
    start: Tensor
    scale: Tensor

    @classmethod
    def of(cls, near: Neighbours) -> _Bags:
        return cls(torch.from_numpy(near.idx), torch.from_numpy(near.start), torch.from_numpy(near.scale))


class SvdPP(RatingModule):
    """r̂ = mean + std · (B_u + B_i + P_u · Q_i), clipped when it leaves the library.

    P_u = user_embedding[u] + |N(u)|^-½ Σ_{j ∈ N(u)} item_implicit[j], over the items that u rated in training, and
    B_u = user_bias[u] + |N(u)|^-½ Σ item_implicit_bias[j]. Flipped, Q_i and B_i have the same form, with user_implicit
    over the users who rated i; else they are item_embedding[i] and item_bias[i].

    Attributes:
        user_embedding, item_embedding: parameters, float32, shapes (n_users, dim) and (n_items, dim).
        user_bias, item_bias: parameters, float32, shapes (n_users,) and (n_items,).
        item_implicit, item_implicit_bias: parameters, float32, shapes (n_items, dim) and (n_items,).
        user_implicit, user_implicit_bias: parameters, float32, shapes (n_users, dim) and (n_users,); flipped only.
        implicit_of: the roles whose rows have implicit terms.
        neighbours: role → N of each row of it, of the roles that have implicit terms.

    Source: Koren 2008, "Factorization Meets the Neighborhood" (KDD); flipped: Rendle, Zhang, Koren 2019, "On the
    Difficulty of Evaluating Baselines" (arXiv:1905.01395).
    """

    settings: config.SvdPP

    def __init__(self, seen: Interactions, settings: config.SvdPP, scale: Scale, seed: int) -> None:
        super().__init__()
        self.settings, self.scale, self.counted = settings, scale, seen.counted
        self.implicit_of = settings.implicit_of
        drawn = SvdPPArrays.drawn(seen, settings, scale, seed)
        for name, array in drawn.arrays.items():
            setattr(self, name, nn.Parameter(torch.from_numpy(array)))
        self._near = drawn.neighbours
        self.neighbours = {role: _Bags.of(near) for role, near in self._near.items()}

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units, not clipped; indices of shape (n,) give shape (n,)."""
        user, user_bias = self.effective("user")
        item, item_bias = self.effective("item")
        total = (user.index_select(0, user_idx) * item.index_select(0, item_idx)).sum(dim=1)
        total = total + user_bias.index_select(0, user_idx) + item_bias.index_select(0, item_idx)
        return self.scale.mean + self.scale.std * total

    def effective(self, role: Role) -> tuple[Tensor, Tensor]:
        """P and B of every user, or Q and B of every item: shapes (n, dim) and (n,)."""
        embedding, bias = self.get_parameter(f"{role}_embedding"), self.get_parameter(f"{role}_bias")
        if role not in self.implicit_of:
            return embedding, bias
        sums, bias_sums = self.implicit_sums(role)
        return embedding + sums, bias + bias_sums

    def implicit_sums(self, role: Role) -> tuple[Tensor, Tensor]:
        """What the implicit terms add to each row of a role, one of `implicit_of`: shapes (n, dim) and (n,)."""
        near = self.neighbours[role]
        embedding, bias = (self.get_parameter(name) for name in config.implicit_terms(role))
        sums, bias_sums = (
            nn.functional.embedding_bag(near.idx, term, near.start, mode="sum", include_last_offset=True)
            * near.scale[:, None]
            for term in (embedding, bias[:, None])
        )
        return sums, bias_sums[:, 0]

    def scorer(self) -> Factors:
        """The effective factors as a scorer in rating units."""
        arrays = {name: tensor.detach().numpy() for name, tensor in self.state_dict().items()}
        return SvdPPArrays(self.settings, self.scale, self.counted, self._near, arrays).scorer()


def build(settings: config.SvdPP, seen: Interactions, scale: Scale, seed: int) -> SvdPP:
    """The module for the users and items of the ratings, whose pairs make the implicit terms."""
    return SvdPP(seen, settings, scale, seed)
