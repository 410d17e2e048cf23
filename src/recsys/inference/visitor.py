"""Someone whom the run does not know, ranked for by a few interactions; nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.checked import shown
from recsys.core.errors import UnknownIdError, UsageError
from recsys.core.types import Array, Float32Array, Floats, Indices
from recsys.core.words import counted
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.vocabulary import UNKNOWN
from recsys.inference.candidates import index_items
from recsys.inference.fold_in import FixedRows, Prior, solve
from recsys.inference.ranked import By
from recsys.inference.rating_scale import refuse_outside_scale
from recsys.scoring.factors.scorer import Factors

if TYPE_CHECKING:
    from recsys.scoring.feature_prior.prior import FeaturePrior
    from recsys.scoring.implicit.scorer import ImplicitFactors


@dataclass(frozen=True, eq=False)
class Visitor:
    """What a visitor has met, as far as the run knows it.

    Attributes:
        item_idx: int32, shape (n,), each item once.
        rating: of each, float32; NaN where there is none.
        features: what else is known of the visitor, one row; None: nothing.
    """

    item_idx: Indices
    rating: Floats
    features: FeatureMatrix | None = None

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        by: By,
        item_ids: Sequence[int | str],
        ratings: Sequence[float] | Array | None,
        features: FeatureMatrix | None = None,
    ) -> Visitor:
        """The items that have training interactions, and their ratings.

        Raises:
            UsageError: ratings are to be predicted, and there are none; or not one for each item, or an item twice.
            DataError: a rating lies outside the scale of the training ratings.
            UnknownIdError: ratings are to be predicted, and none of the items has training ratings.
        """
        item_idx = index_items(bundle, item_ids, by)
        rating = np.full(len(item_idx), np.nan, np.float32) if ratings is None else np.asarray(ratings, np.float32)
        _check_pairs(item_ids, item_idx, rating)
        refuse_outside_scale(bundle, rating, lambda place: f"ratings[{place}]")
        known = item_idx != UNKNOWN
        if by == "rating":
            if len(rating) and np.isnan(rating).all():
                raise UsageError("without ratings none can be predicted", expected="ratings", hint="rank by ranking")
            known &= ~np.isnan(rating)
            if not known.any() and features is None:
                raise UnknownIdError(
                    f"none of the {counted(len(item_idx), 'rated item')} has training ratings",
                    where=f"the run's {counted(len(bundle.items), 'item')}",
                    expected=f"item ids of the training ratings, such as {shown(bundle.items.id_at(0))}",
                )
        return cls(item_idx[known], rating[known], features)

    def ranking_scores(self, scorer: ImplicitFactors, prior: FeaturePrior | None = None) -> Float32Array:
        """Rank scores of all items, shape (1, n_items): of a row between the mean user and what the visitor has met.

        Args:
            prior: what features say of users' rows: with features, their row is in place of the mean user's.
        """
        center = None
        if prior is not None and self.features is not None:
            center = prior.rows(self.features).astype(np.float64)
        start = np.array([0, len(self.item_idx)], np.int64)
        row = scorer.user_rows().solve(start, self.item_idx, scorer.targets(self.rating), center)
        return scorer.score_rows(row)

    def as_user_of(self, factors: Factors, prior: Prior) -> Factors:
        """The rating scorer with the visitor, of whom there are ratings or features, as its only user."""
        is_rated = ~np.isnan(self.rating)
        row = prior.mean.astype(np.float32).reshape(-1)
        if is_rated.any():
            (row,) = solve(
                prior,
                factors.global_mean,
                FixedRows.items(factors),
                codes=np.zeros(int(is_rated.sum()), dtype=np.int32),
                other_idx=self.item_idx[is_rated],
                rating=self.rating[is_rated],
            )
        std = None if factors.user_std is None else factors.user_std[-1:]
        return replace(
            factors.without_raters(), user_bias=row[:1], user_factors=row[None, 1:], user_std=std, affinities=None
        )


def _check_pairs(item_ids: Sequence[int | str], item_idx: Indices, rating: Floats) -> None:
    """Raises UsageError if items and ratings are not pairs, or an item is there twice."""
    if len(rating) != len(item_ids):
        raise UsageError(
            f"ratings has {counted(len(rating), 'entry', 'entries')}, and item_ids {len(item_ids):,}",
            expected="a rating of each item, or None without any",
        )
    known = item_idx[item_idx != UNKNOWN].tolist()
    if len(set(known)) < len(known):
        first = next(idx for idx, n in Counter(known).items() if n > 1)
        first_id = item_ids[int(np.flatnonzero(item_idx == first)[0])]
        raise UsageError(
            f"item_ids has the item {shown(first_id)} more than once",
            expected="each item once",
            hint="keep the newest rating of each item",
        )
