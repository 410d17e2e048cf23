"""How each user takes to features, told by the training ratings.

A new item with features f is predicted by the row that these tell, m + Bᵀf (see recsys.scoring.feature_prior). Of what
that leaves of the user's own training ratings, were their items new, a ridge regression makes an affinity:

    r_ui − rating(u, row of f_i) = c_u + x_u · g_i + e,  e ~ N(0, σ²),  c_u ~ N(0, ω₀ σ²),  x_u ~ N(0, ω σ² I)

over the items that have features, with g = s (f − f̄), where f̄ is the mean of f by ratings, and s² makes the total
variance of g 1: σ² falls out then, and the same ω fits features of any number and kind. Where rated items vary much
less than the catalogue does, it is less than 1: what users make of small differences is not carried to large ones.

ω is told by items: those of one half by what users make of the other half. Rows of users have seen all of them, so that
what they leave is less than of new items; ω is SEEN times the one that is best here.

Source: Hoerl, Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems" (Technometrics 12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import BoolArray, Counts, Float32Array, Float64Array, Indices
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.scoring.affinities import Affinities
from recsys.scoring.factors.scorer import Factors, factors_of
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.protocols import TrainedScorer

OFFSET = 0.03  # ω₀ (docs/experiments/features.md)
VARIANCES = (0.0001, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)  # ω, as they are tried
SEEN = 2.0  # likewise
MOST_FEATURES = 32  # columns: those that vary most
SPREAD = 0.1  # of the variance in the catalogue: items that vary less do not tell of others
ROUNDING = 1e-12  # the least share of squares about the mean that is no error of rounding
PIECE = 1 << 20  # ratings at once
MOST_TRIED = 1 << 17  # about so many ratings tell ω


def with_affinities(scorer: TrainedScorer, prior: FeaturePrior, inputs: TrainingInputs) -> TrainedScorer:
    """The scorer with its users' affinities, where it is linear and items have features that differ; else as it is.

    All ranks call this where they divide the training rows.

    Args:
        prior: what features say of items' rows.
    """
    scaled = _scaled(scorer, inputs)
    if scaled is None:
        return scorer
    factors, scale = scaled
    from recsys.training.gibbs.rows import with_ones  # numba takes half a second to import

    told, by_user = _as_new(factors, prior, scale.features), _by_user(inputs, with_times=factors.drift is not None)
    step = max(1, len(inputs.seen) // MOST_TRIED)
    tried = [_Rest.of(*part, told, scale, step) for part in by_user()]
    g, user = with_ones(scale.standardised()), scale.no_affinities(factors)
    variance = _best_variance(tried, g, len(scale.columns))
    for part in by_user():
        rest = _Rest.of(*part, told, scale)
        user[rest.users] = scale.of_features(rest.affinities(g, _precision(variance, len(scale.columns))))
    return replace(factors, affinities=Affinities.of(user, scale.columns, factors.n_items))


def with_room_for_affinities(scorer: TrainedScorer, inputs: TrainingInputs) -> TrainedScorer:
    """The scorer with affinities as large as those that it would have."""
    scaled = _scaled(scorer, inputs)
    if scaled is None:
        return scorer
    factors, scale = scaled
    return replace(factors, affinities=Affinities.of(scale.no_affinities(factors), scale.columns, factors.n_items))


def _scaled(scorer: TrainedScorer, inputs: TrainingInputs) -> tuple[Factors, _Scale] | None:
    """The scorer, and the features that its users may take to; None where it is not linear, or there are none."""
    factors = factors_of(scorer)
    if factors is None or factors.link.kind == "sigmoid":
        return None
    scale = _Scale.of(inputs)
    return None if scale is None else (factors, scale)


@dataclass(frozen=True, eq=False)
class _Scale:
    """From features f of items to g = factor · (f − mean) of some columns, float64, shape (n,)."""

    features: FeatureMatrix
    columns: Indices
    mean: Float64Array
    factor: float

    @classmethod
    def of(cls, inputs: TrainingInputs) -> _Scale | None:
        """Of the columns that vary most by ratings; None where there are none, or all rated items are alike."""
        if inputs.item_features is None:
            return None
        features, catalogue = inputs.item_features.matrix_of(inputs.seen.items), inputs.item_features.matrix
        counts = np.where(features.has_any, inputs.seen_ratings.item_counts, 0).astype(np.float64)
        mean, square = features.moments(counts)
        variance = square - mean**2
        varies = np.flatnonzero(variance > ROUNDING * square)
        if not len(varies):
            return None
        columns = np.sort(varies[np.argsort(-variance[varies], kind="stable")[:MOST_FEATURES]]).astype(np.int32)
        mean_of_all, square_of_all = catalogue.moments(catalogue.has_any.astype(np.float64))
        of_all = (square_of_all - mean_of_all**2)[columns].sum()
        return cls(features, columns, mean[columns], 1 / np.sqrt(max(variance[columns].sum(), SPREAD * of_all)))

    def no_affinities(self, factors: Factors) -> Float32Array:
        """Of the known users, shape (n_users, 1 + n)."""
        return np.zeros((factors.n_users, 1 + len(self.columns)), np.float32)

    def standardised(self) -> Float32Array:
        """g of each item, shape (n_items, n)."""
        dense = self.features.only(self.columns).dense()
        return np.asarray((dense - self.mean.astype(np.float32)) * np.float32(self.factor))

    def of_features(self, affinities: Float32Array) -> Float32Array:
        """x·g + c as a constant and slopes by f, shape (n_users, n + 1) → (n_users, 1 + n)."""
        by_f = self.factor * affinities[:, :-1].astype(np.float64)
        constant = affinities[:, -1] - (by_f * self.mean).sum(axis=1)
        return np.column_stack([constant, by_f]).astype(np.float32)


def _as_new(factors: Factors, prior: FeaturePrior, features: FeatureMatrix) -> Factors:
    """The scorer with all items that have features as they would be predicted by these alone."""
    idx = np.flatnonzero(features.has_any)
    rows, bias, of_items = prior.rows(features.take(idx)), factors.item_bias.copy(), factors.item_factors.copy()
    bias[idx], of_items[idx] = rows[:, 0], rows[:, 1:]
    raters = None if factors.raters is None else factors.raters.with_typical(idx)
    return replace(factors, item_bias=bias, item_factors=of_items, raters=raters)


@dataclass(frozen=True, eq=False)
class _Rest:
    """What is left of the ratings of some users, of items that have features.

    Attributes:
        users: their indices.
        counts: ratings of each, int64, shape (n_users,).
        item_idx, rest: by user, int32 and float32, shape (n_ratings,).
    """

    users: slice
    counts: Counts
    item_idx: Indices
    rest: Float32Array

    @classmethod
    def of(cls, users: slice, rows: Interactions, told: Factors, scale: _Scale, step: int = 1) -> _Rest:
        """Of these rows, all of these users; with a step only those of every so many users."""
        is_used = scale.features.has_any[rows.item_idx] & ~np.isnan(rows.rating)
        if step > 1:
            is_used &= rows.user_idx % step == 0
        rated = rows.take(is_used)
        rest = rated.rating - told.rate(rated.user_idx, rated.item_idx, rated.timestamp)
        counts = np.bincount(rated.user_idx - users.start, minlength=users.stop - users.start)
        return cls(users, counts, rated.item_idx, rest)

    def affinities(self, g: Float32Array, precision: Float64Array) -> Float32Array:
        """x and last c of each user, float32, shape (n_users, n + 1)."""
        from recsys.training.gibbs.rows import ridge_rows

        return ridge_rows(self.counts, self.item_idx, self.rest, g, precision)

    def of_items(self, is_in: BoolArray) -> _Rest:
        """That of some items, as a mask says, shape (n_items,)."""
        kept = is_in[self.item_idx]
        user = np.repeat(np.arange(len(self.counts)), self.counts)[kept]
        counts = np.bincount(user, minlength=len(self.counts))
        return replace(self, counts=counts, item_idx=self.item_idx[kept], rest=self.rest[kept])

    def squared_error(self, g: Float32Array, affinities: Float32Array) -> float:
        """Of what affinities say of it."""
        own = np.repeat(affinities, self.counts, axis=0)
        told = np.einsum("nf,nf->n", own, g[self.item_idx, : own.shape[1]])
        return float(np.square(self.rest - told, dtype=np.float64).sum())


def _precision(variance: float, n: int) -> Float64Array:
    """Of x and c, in units of that of the noise, shape (n + 1,)."""
    return np.append(np.full(n, 1 / variance), 1 / OFFSET)


def _best_variance(rests: list[_Rest], g: Float32Array, n: int) -> float:
    """ω of n features, of half of the items each by what users make of the others."""
    precisions = [_precision(variance, n) for variance in VARIANCES]
    is_first = rng(0, "items that tell of the others").random(len(g)) < 0.5
    errors = np.zeros(len(VARIANCES))
    for half in (is_first, ~is_first):
        for rest in rests:
            own, others = rest.of_items(half), rest.of_items(~half)
            errors += [own.squared_error(g, others.affinities(g, precision)) for precision in precisions]
    return SEEN * VARIANCES[int(np.argmin(errors))]


def _by_user(inputs: TrainingInputs, *, with_times: bool) -> Callable[[], Iterator[tuple[slice, Interactions]]]:
    """What goes through the training rows by user, some users at a time; a drift needs times."""
    seen, (item_idx, rating) = inputs.seen, inputs.seen_by_user
    counts = seen.user_counts
    start = np.concatenate([[0], np.cumsum(counts)])
    times = seen.timestamp[seen.by_user().row] if with_times and seen.timestamp is not None else None

    def parts() -> Iterator[tuple[slice, Interactions]]:
        first = 0
        while first < len(counts):
            end = max(first + 1, int(np.searchsorted(start, start[first] + PIECE, side="right")) - 1)
            rows = slice(int(start[first]), int(start[end]))
            yield (
                slice(first, end),
                replace(
                    seen,
                    user_idx=np.repeat(np.arange(first, end, dtype=np.int32), counts[first:end]),
                    item_idx=item_idx[rows],
                    rating=rating[rows],
                    timestamp=None if times is None else times[rows],
                ),
            )
            first = end

    return parts
