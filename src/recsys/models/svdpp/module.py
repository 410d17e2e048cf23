"""SVD++: a dot product in which whom or what somebody rated says something too, whatever the rating."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from recsys.core.types import Float32Array
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.scale import Scale
from recsys.models.dot_product.arrays import INIT_STD
from recsys.models.settings import ROLES, Role
from recsys.models.svdpp import settings as config
from recsys.models.svdpp.layers import output_link
from recsys.models.torch_layers import normal
from recsys.models.torch_module import RatingModule
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units
from recsys.scoring.raters import Raters


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each user what they rated, or for each item who rated it.

    Attributes:
        idx: int64, shape (n_ratings,), one row after the other.
        start: int64, shape (n + 1,): row r has idx[start[r]] … idx[start[r + 1] − 1].
        scale: float32, shape (n,): |N|^-½; 1 for a row that has none.
    """

    idx: Tensor
    start: Tensor
    scale: Tensor

    @classmethod
    def of(cls, view: GroupedView) -> Neighbours:
        """Those of each entry of a view of the training ratings."""
        scale = (1 / np.sqrt(np.maximum(view.counts, 1))).astype(np.float32)
        idx = view.other_idx.astype(np.int64)
        return cls(torch.from_numpy(idx), torch.from_numpy(view.start), torch.from_numpy(scale))


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
        neighbours: role → N of each row of it.

    Source: Koren 2008, "Factorization Meets the Neighborhood" (KDD); flipped: Rendle, Zhang, Koren 2019, "On the
    Difficulty of Evaluating Baselines" (arXiv:1905.01395).
    """

    settings: config.SvdPP

    def __init__(self, seen: Interactions, settings: config.SvdPP, scale: Scale, seed: int) -> None:
        super().__init__()
        self.settings, self.scale, self.counted = settings, scale, seen.counted
        self.implicit_of = settings.implicit_of
        n_rows: dict[Role, int] = {"user": len(seen.users), "item": len(seen.items)}
        for role, n in n_rows.items():
            self._register(seed, f"{role}_embedding", f"{role}_bias", n)
        for role in self.implicit_of:
            self._register(seed, *config.implicit_terms(role), n_rows[config.OTHER[role]])
        views = {"user": seen.by_user, "item": seen.by_item}
        self.neighbours: dict[Role, Neighbours] = {role: Neighbours.of(views[role]()) for role in self.implicit_of}

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
        user, item = (tuple(part.detach().numpy() for part in self.effective(role)) for role in ROLES)
        factors = in_rating_units(
            self.scale.mean,
            self.scale.std,
            Rows(user[0], user[1], self.counted.users),
            Rows(item[0], item[1], self.counted.items),
            output_link(self.settings, self.scale),
        )
        return replace(factors, raters=self._raters(*user)) if "item" in self.implicit_of else factors

    def _raters(self, user: Float32Array, user_bias: Float32Array) -> Raters:
        """What it says of a rating that a user is among the raters of the item.

        Args:
            user, user_bias: effective ones, shapes (n_users, dim) and (n_users,).
        """
        embedding, bias = (self.get_parameter(name).detach().numpy() for name in config.implicit_terms("item"))
        of_users = np.float32(self.scale.std) * (np.einsum("uk,uk->u", embedding, user) + bias)
        return Raters.of(of_users, self.counted.users, np.diff(self.neighbours["item"].start.numpy()))

    def _register(self, seed: int, embedding: str, bias: str, n: int) -> None:
        setattr(self, embedding, normal(seed, embedding, (n, self.settings.embedding_dim), INIT_STD))
        setattr(self, bias, nn.Parameter(torch.zeros(n)))


def build(settings: config.SvdPP, seen: Interactions, scale: Scale, seed: int) -> SvdPP:
    """The module for the users and items of the ratings, whose pairs make the implicit terms."""
    return SvdPP(seen, settings, scale, seed)
