"""The parameters of SVD++, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from recsys.core.types import Arrays, Float32Array, Int64Array
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Counted, Interactions
from recsys.data.scale import Scale
from recsys.models.array_model import normal
from recsys.models.dot_product.arrays import INIT_STD
from recsys.models.settings import ROLES, Role
from recsys.models.svdpp.layers import output_link
from recsys.models.svdpp.settings import OTHER, SvdPP, implicit_terms
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

    idx: Int64Array
    start: Int64Array
    scale: Float32Array

    @classmethod
    def of(cls, view: GroupedView) -> Neighbours:
        """Those of each entry of a view of the training ratings."""
        scale = (1 / np.sqrt(np.maximum(view.counts, 1))).astype(np.float32)
        return cls(view.other_idx.astype(np.int64), view.start, scale)

    @classmethod
    def of_roles(cls, seen: Interactions, settings: SvdPP) -> dict[Role, Neighbours]:
        """Those of the roles that have implicit terms."""
        views = {"user": seen.by_user, "item": seen.by_item}
        return {role: cls.of(views[role]()) for role in settings.implicit_of}


@dataclass(frozen=True, eq=False)
class SvdPPArrays:
    """The parameters of SVD++; the formula is that of the torch module.

    Attributes:
        counted: which users and items have ratings; the others are served as the mean.
        neighbours: role → N of each row of it, of the roles that have implicit terms.
        arrays: the parameters by name, float32, shapes (n, dim) and (n,).
    """

    settings: SvdPP
    scale: Scale
    counted: Counted
    neighbours: Mapping[Role, Neighbours]
    arrays: Arrays

    @classmethod
    def drawn(cls, seen: Interactions, settings: SvdPP, scale: Scale, seed: int) -> SvdPPArrays:
        """Those that training starts from, for the users and items of the ratings."""
        n_rows: dict[Role, int] = {"user": len(seen.users), "item": len(seen.items)}
        names = [(f"{role}_embedding", f"{role}_bias", n) for role, n in n_rows.items()]
        names += [(*implicit_terms(role), n_rows[OTHER[role]]) for role in settings.implicit_of]
        arrays: Arrays = {}
        for embedding, bias, n in names:
            arrays[embedding] = normal(seed, embedding, (n, settings.embedding_dim), INIT_STD)
            arrays[bias] = np.zeros(n, dtype=np.float32)
        return cls(settings, scale, seen.counted, Neighbours.of_roles(seen, settings), arrays)

    def effective(self, role: Role) -> tuple[Float32Array, Float32Array]:
        """P and B of every user, or Q and B of every item: shapes (n, dim) and (n,)."""
        embedding, bias = self.arrays[f"{role}_embedding"], self.arrays[f"{role}_bias"]
        if role not in self.neighbours:
            return embedding, bias
        sums, bias_sums = self.implicit_sums(role)
        return embedding + sums, bias + bias_sums

    def implicit_sums(self, role: Role) -> tuple[Float32Array, Float32Array]:
        """What the implicit terms add to each row of a role that has them: shapes (n, dim) and (n,)."""
        from recsys.models.svdpp.sums import sum_of_rows

        near = self.neighbours[role]
        embedding, bias = (self.arrays[name] for name in implicit_terms(role))
        sums, bias_sums = (
            sum_of_rows(near.idx, near.start, terms) * near.scale[:, np.newaxis]
            for terms in (embedding, bias[:, np.newaxis])
        )
        return sums, bias_sums[:, 0]

    def scorer(self) -> Factors:
        """The effective factors as a scorer in rating units."""
        user, item = (self.effective(role) for role in ROLES)
        factors = in_rating_units(
            self.scale.mean,
            self.scale.std,
            Rows(*user, self.counted.users),
            Rows(*item, self.counted.items),
            output_link(self.settings, self.scale),
        )
        return replace(factors, raters=self._raters(*user)) if "item" in self.neighbours else factors

    def _raters(self, user: Float32Array, user_bias: Float32Array) -> Raters:
        """What it says of a rating that a user is among the raters of the item.

        Args:
            user, user_bias: effective ones, shapes (n_users, dim) and (n_users,).
        """
        embedding, bias = (self.arrays[name] for name in implicit_terms("item"))
        of_users = np.float32(self.scale.std) * (np.einsum("uk,uk->u", embedding, user) + bias)
        return Raters.of(of_users, self.counted.users, np.diff(self.neighbours["item"].start))


def build(settings: SvdPP, seen: Interactions, scale: Scale, seed: int) -> SvdPPArrays:
    """The parameters for the users and items of the ratings, whose pairs make the implicit terms."""
    return SvdPPArrays.drawn(seen, settings, scale, seed)
