"""The scorer of every dot-product-like model, in NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from recsys.core.threads import Workers, usable_cores
from recsys.core.types import BoolArray, Counts, Float32Array, Float64Array, Indices, Times
from recsys.data.features.kind import Role
from recsys.scoring.affinities import Affinities
from recsys.scoring.drift import Drift
from recsys.scoring.fallback import with_fallback
from recsys.scoring.link import Link
from recsys.scoring.new_rows import NewRows
from recsys.scoring.raters import Raters

if TYPE_CHECKING:
    from recsys.scoring.protocols import TrainedScorer

Fallback = Callable[[Float32Array, BoolArray], Float32Array]
"""(rows, has_ratings) → the rows as they are served and one more, as of `with_fallback`."""
CHUNK = 2_048  # pairs scored at once: their rows fit a core's cache, where all at once do not
SHARE = 1 << 17  # pairs that one of several threads scores at a time


@dataclass(frozen=True, eq=False)
class Factors:
    """score = global_mean + user_bias[u] + item_bias[i] + user_factors[u] · item_factors[i]; rating = link(score).

    Where there is a drift and a time, the drift of u at that time is added; and where it says something of a pair that
    it is rated, that: items are ranked without it, since nobody has rated them. Items that features tell have what u
    makes of these too (see Affinities). Everything is in rating units (before the sigmoid where there is one). The last
    row of each array stands for whoever is unknown, so that index −1 finds it: the mean of the known rows.

    Attributes:
        user_bias, item_bias: float32, shapes (n_users + 1,) and (n_items + 1,).
        user_factors, item_factors: float32, shapes (n_users + 1, dim) and (n_items + 1, dim).
        user_std: of a tobit link, that of each user, float32, shape (n_users + 1,), where users differ in it. It is
            the user's alone, so that one user's ratings rank as the scores do.
    """

    global_mean: float
    user_bias: Float32Array
    item_bias: Float32Array
    user_factors: Float32Array
    item_factors: Float32Array
    link: Link
    drift: Drift | None = None
    user_std: Float32Array | None = None
    raters: Raters | None = None
    affinities: Affinities | None = None
    kind: ClassVar[str] = "factors"
    pairs_categories: ClassVar[bool] = False

    @property
    def n_users(self) -> int:
        """Known users."""
        return len(self.user_bias) - 1

    @property
    def n_items(self) -> int:
        """Known items."""
        return len(self.item_bias) - 1

    @property
    def embedding_dim(self) -> int:
        """Factors of each user and item."""
        return int(self.user_factors.shape[1])

    def as_rating(self) -> Factors:
        """Itself."""
        return self

    def as_implicit(self) -> None:
        """None: it is something else."""

    def as_factors(self) -> Factors:
        """Itself."""
        return self

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings of the pairs, at times in seconds, float32, shape (n,); index −1 gets the fallback."""
        rating = np.empty(len(user_idx), dtype=np.float32)

        def rate(first: int) -> None:
            for start in range(first, min(first + SHARE, len(rating)), CHUNK):
                rows = slice(start, start + CHUNK)
                when = None if timestamp is None else timestamp[rows]
                rating[rows] = self.rating_of(user_idx[rows], self.score(user_idx[rows], item_idx[rows], when))

        shares = range(0, len(rating), SHARE)
        Workers(min(usable_cores(), len(shares))).each(lambda number: rate(shares[number]), len(shares))
        return rating

    def rating_of(self, user_idx: Indices, score: Float32Array) -> Float32Array:
        """The ratings that stand for scores of the users, float32, shape (n,)."""
        return self.link(score, None if self.user_std is None else self.user_std[user_idx])

    def score(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Scores of the pairs, float32, shape (n,)."""
        # take() gathers rows in half the time of an index in brackets
        users, items = self.user_factors.take(user_idx, axis=0), self.item_factors.take(item_idx, axis=0)
        interaction = np.einsum("nf,nf->n", users, items)
        bias = self.user_bias.take(user_idx) + self.item_bias.take(item_idx)
        if self.drift is not None and timestamp is not None:
            bias += self.drift.at(user_idx, timestamp)[0]
        if self.raters is not None:
            bias += self.raters.score(user_idx, item_idx)
        if self.affinities is not None:
            bias += self.affinities.score(user_idx, item_idx)
        return np.asarray(np.float32(self.global_mean) + bias + interaction)

    def with_rows(self, user_idx: Indices, item_idx: Indices) -> Factors:
        """The same on more users and items: each gets the row of an index here, and for −1 that of the unknown.

        Args:
            user_idx, item_idx: int32, shapes (n_users,) and (n_items,) of the new ones; known users keep their order.
        """
        users, items = np.append(user_idx, -1), np.append(item_idx, -1)  # what stands for the unknown stays last
        return replace(
            self,
            user_bias=self.user_bias[users],
            item_bias=self.item_bias[items],
            user_factors=self.user_factors[users],
            item_factors=self.item_factors[items],
            drift=None if self.drift is None else self.drift.with_users(user_idx),
            user_std=None if self.user_std is None else self.user_std[users],
            raters=None if self.raters is None else self.raters.with_rows(user_idx, item_idx),
            affinities=None if self.affinities is None else self.affinities.with_rows(user_idx, item_idx),
        )

    def linear_rows(self, role: Role) -> Float32Array:
        """[bias, factors] of the known users or items, float32, shape (n, 1 + dim)."""
        bias = {"user": self.user_bias, "item": self.item_bias}[role]
        factors = {"user": self.user_factors, "item": self.item_factors}[role]
        return np.concatenate([bias[:-1, None], factors[:-1]], axis=1)

    def row_weights(self, counts: Counts) -> Float64Array:
        """The ratings of each: the noise of a row falls with them, and items with many are asked for most."""
        return counts.astype(np.float64)

    def row_width(self, role: Role) -> int:
        """A bias and the factors."""
        return 1 + self.embedding_dim

    def learned_prior(self, role: Role) -> None:
        """None: it is fitted to the rows after training."""

    def extended(self, users: NewRows, items: NewRows) -> Factors:
        """The same on more users and items, some with rows [bias, factors] of their own."""
        extended = self.with_rows(users.source, items.source)
        for new, bias, factors in (
            (users, extended.user_bias, extended.user_factors),
            (items, extended.item_bias, extended.item_factors),
        ):
            if len(new.idx):
                bias[new.idx], factors[new.idx] = new.rows[:, 0], new.rows[:, 1:]
        raters, affinities = extended.raters, extended.affinities
        if raters is not None:
            raters = raters.with_typical(items.idx)
        if affinities is not None and items.features is not None:
            affinities = affinities.told_by(items.idx, items.features)
        return replace(extended, raters=raters, affinities=affinities)

    def without_raters(self) -> Factors:
        """The scorer of pairs that it was trained on: each user is among the raters of the item already."""
        return replace(self, raters=None)

    def score_all(self, user_idx: Indices) -> Float32Array:
        """Scores of every known item for each user, float32, shape (n, n_items): rank by these.

        They are those of items that the user has not rated: without `raters`.
        """
        return self.score_tile(user_idx, slice(0, self.n_items))

    def score_tile(self, user_idx: Indices, items: slice) -> Float32Array:
        """The same of a range of known items, shape (n, length of the range)."""
        scores: Float32Array = self.user_factors[user_idx] @ self.item_factors[items].T
        scores += self.item_bias[items]
        scores += (self.user_bias[user_idx] + np.float32(self.global_mean))[:, None]
        if self.affinities is not None:
            self.affinities.add_to_tile(scores, user_idx, items)
        return scores

    def parts(self, user_idx: int, item_idx: int, timestamp: float | None = None) -> dict[str, float]:
        """What the score of a pair is the sum of; drift at a time, and what having rated says, where there is such."""
        user, item = np.array([user_idx], dtype=np.int32), np.array([item_idx], dtype=np.int32)
        when = None if timestamp is None else np.array([timestamp])
        parts = {
            "global_mean": float(self.global_mean),
            "user_bias": float(self.user_bias[user_idx]),
            "item_bias": float(self.item_bias[item_idx]),
        }
        if self.drift is not None and when is not None:
            parts["user_drift"] = float(self.drift.at(user, when)[0][0])
        if self.raters is not None:
            parts["having_rated"] = float(self.raters.score(user, item)[0])
        if self.affinities is not None and self.affinities.item.has_any[item_idx]:
            parts["feature_affinity"] = float(self.affinities.score(user, item)[0])
        score = self.score(user, item, when)
        return {**parts, "interaction": float(score[0]) - sum(parts.values())}


def factors_of(scorer: TrainedScorer) -> Factors | None:
    """The scorer, where it predicts ratings by a product of factors."""
    ratings = scorer.as_rating()
    return None if ratings is None else ratings.as_factors()


@dataclass(frozen=True, eq=False)
class Rows:
    """What a model has learned of each user, or of each item.

    Attributes:
        factors: float32, shape (n, dim).
        bias: float32, shape (n,).
        has_ratings: whether there were any to learn from, bool, shape (n,).
    """

    factors: Float32Array
    bias: Float32Array
    has_ratings: BoolArray


def in_rating_units(
    global_mean: float,
    unit: float,
    user: Rows,
    item: Rows,
    link: Link,
    user_fallback: Fallback = with_fallback,
) -> Factors:
    """The scorer of a model whose scores are in a unit of their own.

    Args:
        unit: one of the model's, in ratings.
        user, item: in the model's unit.
        user_fallback: `with_fallback`, or where the users are a part of all what does the same for all of them.
    """
    scale, root = np.float32(unit), np.sqrt(np.float32(unit))
    return Factors(
        global_mean=global_mean,
        user_bias=user_fallback(scale * user.bias, user.has_ratings),
        item_bias=with_fallback(scale * item.bias, item.has_ratings),
        user_factors=user_fallback(root * user.factors, user.has_ratings),
        item_factors=with_fallback(root * item.factors, item.has_ratings),
        link=link,
    )
