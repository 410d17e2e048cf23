"""SVD++: a dot product in which whom or what somebody rated says something too, whatever the rating."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from recsys.config import model as config
from recsys.data.ratings import Ratings
from recsys.data.scale import Scale
from recsys.models.dot_product import INIT_STD
from recsys.models.layers import normal
from recsys.scoring.factors import Factors, Link, with_fallback


class SvdPP(nn.Module):
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

    Source: Koren 2008, "Factorization Meets the Neighborhood" (KDD); flipped: Rendle, Zhang, Koren 2019, "On the
    Difficulty of Evaluating Baselines" (arXiv:1905.01395).
    """

    def __init__(self, train: Ratings, settings: config.SvdPP, scale: Scale, seed: int) -> None:
        super().__init__()
        self.settings, self.scale = settings, scale
        self.implicit_of = ("user", "item") if settings.flipped else ("user",)
        n_rows = {"user": len(train.users), "item": len(train.items)}
        for role, n in n_rows.items():
            self._register(seed, f"{role}_embedding", f"{role}_bias", n)
        for role in self.implicit_of:
            other = "item" if role == "user" else "user"
            self._register(seed, f"{other}_implicit", f"{other}_implicit_bias", n_rows[other])
        self._neighbours = {"user": _bags(train.user_idx, train.item_idx, n_rows["user"])}
        if settings.flipped:
            self._neighbours["item"] = _bags(train.item_idx, train.user_idx, n_rows["item"])

    def forward(self, user_idx: Tensor, item_idx: Tensor) -> Tensor:
        """Predicted ratings in rating units, not clipped; indices of shape (n,) give shape (n,)."""
        user, user_bias = self.effective("user")
        item, item_bias = self.effective("item")
        total = (user.index_select(0, user_idx) * item.index_select(0, item_idx)).sum(dim=1)
        total = total + user_bias.index_select(0, user_idx) + item_bias.index_select(0, item_idx)
        return self.scale.mean + self.scale.std * total

    def effective(self, role: str) -> tuple[Tensor, Tensor]:
        """P and B of every user, or Q and B of every item: shapes (n, dim) and (n,)."""
        embedding, bias = self.get_parameter(f"{role}_embedding"), self.get_parameter(f"{role}_bias")
        if role not in self.implicit_of:
            return embedding, bias
        other = "item" if role == "user" else "user"
        idx, offsets, scale = self._neighbours[role]
        terms = self.get_parameter(f"{other}_implicit")
        both = torch.cat([terms, self.get_parameter(f"{other}_implicit_bias")[:, None]], dim=1)
        sums = nn.functional.embedding_bag(idx, both, offsets, mode="sum") * scale[:, None]
        return embedding + sums[:, :-1], bias + sums[:, -1]

    @property
    def groups(self) -> dict[str, list[str]]:
        """Layer group → the names of its parameters, from the first to the last layers."""
        names = [name for name, _ in self.named_parameters()]
        return {group: [name for name in names if name.startswith(group[:-1])] for group in self.settings.groups}

    def scorer(self) -> Factors:
        """The effective factors as a scorer in rating units."""
        unit = np.float32(self.scale.std)
        with torch.no_grad():
            (user, user_bias), (item, item_bias) = (
                tuple(part.numpy() for part in self.effective(role)) for role in ("user", "item")
            )
        return Factors(
            global_mean=self.scale.mean,
            user_bias=with_fallback(unit * user_bias),
            item_bias=with_fallback(unit * item_bias),
            user_factors=with_fallback(np.sqrt(unit) * user),
            item_factors=with_fallback(np.sqrt(unit) * item),
            link=Link("clip" if self.settings.clip else "identity", self.scale.low, self.scale.high),
        )

    def _register(self, seed: int, embedding: str, bias: str, n: int) -> None:
        setattr(self, embedding, normal(seed, embedding, (n, self.settings.embedding_dim), INIT_STD))
        setattr(self, bias, nn.Parameter(torch.zeros(n)))


def _bags(own: np.ndarray, other: np.ndarray, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each row, whom or what it met: their indices one after the other, where each row's begin, and |N|^-½."""
    counts = np.bincount(own, minlength=n)
    offsets = np.cumsum(counts) - counts
    idx = other[np.argsort(own, kind="stable")].astype(np.int64)
    scale = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
    return torch.from_numpy(idx), torch.from_numpy(offsets), torch.from_numpy(scale)
