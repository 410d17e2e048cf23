"""Rows of who has training ratings, drawn towards what features tell, as far as validation ratings say that it helps.

The row q of an item becomes (1 − share) q + share · x, where x is the most probable row under the prior of the item's
features, given its ratings: what a new item with these ratings would get. Users likewise. What users make of the item's
features counts by the same share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from recsys.core.events import Note, Observer
from recsys.core.types import Float32Array, Float64Array, Indices, Int64Array
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions, rows_with
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import MOST_RATINGS, evenly_spaced
from recsys.evaluation.validation_weights import choose_weights
from recsys.inference.fold_in import SAMPLED, FixedRows, noise_of, prior_of, solve, with_features
from recsys.scoring.affinities import weight_after
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.feature_prior.prior import FeaturePrior, Priors
from recsys.scoring.new_rows import NewRows

LAST = (5, 20, 100)
"""Training ratings up to which a group goes, from behind the one before; who has more keeps their row."""
SHARES = np.arange(41) / 40  # tried: 0 to 1
STD = 0.25  # of a share before there is a validation rating, about 0 (docs/experiments/features.md)

Shares: TypeAlias = Mapping[Role, Float64Array]
"""By role the share of each group of LAST."""


@dataclass(frozen=True, eq=False)
class FeaturedRows:
    """What features and their ratings tell of the rows of a role.

    Attributes:
        idx: whose, int32, shape (n,).
        trained, told: the rows [bias, factors] from training, and from features and ratings; shape (n, 1 + dim).
        group: the group of each of all of the role, −1 where it keeps its row; int64.
        features: of these, a row for each.
        weight: how much what users make of them counts, float32, shape (n,).
    """

    role: Role
    idx: Indices
    trained: Float32Array
    told: Float32Array
    group: Int64Array
    features: FeatureMatrix
    weight: Float32Array

    def replaced(self, factors: Factors, shares: Float64Array) -> Factors:
        """The scorer with mixed rows."""
        share = shares[self.group[self.idx]].astype(np.float32)
        rows = self.trained + share[:, None] * (self.told - self.trained)
        changes = NewRows(_all(factors, self.role), self.idx, rows)
        other: Role = "item" if self.role == "user" else "user"
        keeps = NewRows(_all(factors, other), np.empty(0, np.int32), np.empty((0, 0), np.float32))
        by_role = {self.role: changes, other: keeps}
        affinities = factors.affinities
        if self.role == "item" and affinities is not None:
            some = np.flatnonzero(share)
            affinities = affinities.told_by(self.idx[some], self.features.take(some), (share * self.weight)[some])
        return replace(factors.extended(by_role["user"], by_role["item"]), raters=factors.raters, affinities=affinities)

    def shares(self, factors: Factors, valid: Interactions) -> Float64Array:
        """Of each group the share with the least squared error on validation ratings, drawn towards 0."""
        score = factors.score(valid.user_idx, valid.item_idx, valid.timestamp)
        told = self.replaced(factors, np.ones(len(LAST))).score(valid.user_idx, valid.item_idx, valid.timestamp)
        own = valid.user_idx if self.role == "user" else valid.item_idx
        return choose_weights(
            partial(factors.rating_of, valid.user_idx),
            valid,
            score,
            told - score,
            np.append(self.group, -1)[own],
            len(LAST),
            tried=SHARES,
            expected=0.0,
            std=STD,
        )


def draw_rows_to_features(
    factors: Factors, priors: Priors, inputs: TrainingInputs, observe: Observer, shares: Shares | None = None
) -> tuple[Factors, Shares]:
    """The scorer with rows drawn towards what features tell, and by how much.

    Args:
        shares: those of the same model that was trained on a part of the ratings; None: validation ratings choose.
    """
    valid = inputs.splits.valid
    rated = None if valid is None else evenly_spaced(valid.rated(), MOST_RATINGS)
    chosen: dict[Role, Float64Array] = {}
    for role, matrix in inputs.feature_matrices().items():
        if (prior := priors.get(role)) is None or factors.link.kind == "sigmoid":
            continue
        rows = _featured_rows(factors, role, prior, matrix, inputs.seen_ratings)
        if shares is not None:
            chosen[role] = shares.get(role, np.zeros(len(LAST)))
        else:
            chosen[role] = np.zeros(len(LAST)) if rated is None or not len(rated) else rows.shares(factors, rated)
            observe(Note(_sentence(role, chosen[role])))
        factors = rows.replaced(factors, chosen[role])
    return factors, chosen


def _featured_rows(
    factors: Factors, role: Role, prior: FeaturePrior, matrix: FeatureMatrix, ratings: Interactions
) -> FeaturedRows:
    """Of those of a role who have features and so few ratings that a group is theirs."""
    counts, other, known = ratings.item_counts, FixedRows.users(factors), FixedRows.items(factors)
    if role == "user":
        counts, other, known = ratings.user_counts, FixedRows.items(factors), FixedRows.users(factors)
    has_group = (counts > 0) & (counts <= LAST[-1]) & matrix.has_any
    idx = np.flatnonzero(has_group).astype(np.int32)
    group = np.where(has_group, np.searchsorted(LAST, counts), -1)
    trained = factors.linear_rows(role)[idx]
    features, weight = matrix.take(idx), weight_after(counts[idx])
    if not len(idx):
        return FeaturedRows(role, idx, trained, trained, group, features, weight)
    noise, censoring = noise_of(factors, evenly_spaced(ratings, SAMPLED))
    plain = replace(prior_of(known, counts, noise), censoring=censoring)
    seldom = rows_with(ratings, lambda rows: has_group[_own_and_other(rows, role)[0]])
    rating, (own_idx, other_idx) = seldom.rating, _own_and_other(seldom, role)
    if factors.drift is not None and seldom.timestamp is not None and censoring is None:
        rating = rating - factors.drift.at(seldom.user_idx, seldom.timestamp)[0]
    codes = np.searchsorted(idx, own_idx)
    offset: Float32Array | float = 0.0
    if role == "item" and factors.affinities is not None:
        offset = weight[codes] * factors.affinities.of_features(other_idx, features.take(codes))
    by_features = with_features(plain, prior, features)
    told = solve(by_features, factors.global_mean, other, codes, other_idx, rating, offset)
    return FeaturedRows(role, idx, trained, told, group, features, weight)


def _own_and_other(ratings: Interactions, role: Role) -> tuple[Indices, Indices]:
    return (ratings.user_idx, ratings.item_idx) if role == "user" else (ratings.item_idx, ratings.user_idx)


def _all(factors: Factors, role: Role) -> Indices:
    n = factors.n_users if role == "user" else factors.n_items
    return np.arange(n, dtype=np.int32)


def _sentence(role: Role, shares: Float64Array) -> str:
    firsts = (1, *(last + 1 for last in LAST[:-1]))
    groups = [
        f"{share:.0%} with {first} to {last} ratings"
        for share, first, last in zip(shares.tolist(), firsts, LAST, strict=True)
    ]
    return f"features tell this share of the rows of {role}s: {', '.join(groups)}"
