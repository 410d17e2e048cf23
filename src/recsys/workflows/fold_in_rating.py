"""New users and items in the rating scorer of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.feature_priors import read_priors
from recsys.core.errors import RunError
from recsys.core.resolve import resolve
from recsys.core.types import Array, Arrays, Counts, Float32Array, Ids, Indices
from recsys.core.words import joined, shell_word
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.inference.fold_in import FixedRows, Prior, item_prior, linear_factors, solve, user_prior, with_features
from recsys.inference.new_entities import NewEntities
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.scoring.affinities import Affinities, weight_after
from recsys.scoring.factors.scorer import Factors
from recsys.workflows.extended_vocabulary import ExtendedVocabulary

Extension = Callable[[ModelSettings, TrainingInputs, Factors], Arrays]
NewRows = tuple[ExtendedVocabulary, Float32Array]  # of one role: all ids, and the rows [bias, factors] of the new


def parameter_extension(bundle: Bundle, kind: str, run: Path) -> Extension:
    """What gives a model of this kind parameters of new users and items.

    Raises:
        RunError: there is no such thing, or the scorer's output is not linear.
    """
    linear_factors(bundle)
    name = MODELS[kind].extend
    if name is None:
        raise RunError(
            f"new users and items cannot be folded into {kind}",
            where=str(run),
            expected=f"a run of {joined(kind for kind, spec in MODELS.items() if spec.extend)}",
            hint=f"go on training this one: recsys update --run {shell_word(str(run))} --ratings FILE",
        )
    extension: Extension = resolve(name)
    return extension


def fold_in_rating(
    bundle: Bundle,
    new: NewEntities,
    users: ExtendedVocabulary,
    items: ExtendedVocabulary,
    features: Mapping[Role, Features],
) -> Factors:
    """The scorer with the rows of new users and items.

    Before their ratings they are what their features tell, and without features the mean row; those without ratings
    stay that. Old rows keep their bits, and an unknown id its fallback.

    Args:
        features: of the parent, with those of the new ones.
    """
    factors, rated = linear_factors(bundle), ~np.isnan(new.ratings.rating)
    of_users, of_items = new.ratings.take(new.is_new_user & rated), new.ratings.take(~new.is_new_user & rated)
    given = GivenRatings(
        users.new_idx[of_users.user_idx], items.known_idx[of_users.item_idx], of_users.rating, FixedRows.items(factors)
    )
    user_rows, _ = _new_rows(bundle, "user", new.ratings.users.ids[users.is_new], given, features)
    new_items, is_new = new.ratings.items.ids[items.is_new], np.flatnonzero(items.is_new)
    n_ratings = np.bincount(of_items.item_idx, minlength=len(items.is_new))
    told = _ToldItems(factors.affinities, new_items, n_ratings[is_new], features)
    codes, user_idx = items.new_idx[of_items.item_idx], users.known_idx[of_items.user_idx]
    given = GivenRatings(codes, user_idx, of_items.rating, FixedRows.users(factors), told.offset(codes, user_idx))
    item_rows, featured = _new_rows(bundle, "item", new_items, given, features)
    extended = _extended(factors, (users, user_rows), (items, item_rows), n_ratings)
    raters = None if extended.raters is None else extended.raters.with_typical(is_new[featured])
    return replace(extended, raters=raters, affinities=told.among(extended.affinities, is_new))


class _ToldItems:
    """New items, as users take to their features."""

    def __init__(
        self, affinities: Affinities | None, ids: Ids, n_ratings: Counts, features: Mapping[Role, Features]
    ) -> None:
        self._affinities = affinities if "item" in features else None
        self._matrix = features["item"].matrix_of(Vocabulary(ids)) if "item" in features else None
        self._weight = weight_after(n_ratings)

    def offset(self, codes: Array, user_idx: Indices) -> Array | float:
        """What it adds to the scores of their ratings, given which one and whose each is, shape (n_ratings,)."""
        if self._affinities is None or self._matrix is None:
            return 0.0
        return np.asarray(self._weight[codes] * self._affinities.of_features(user_idx, self._matrix.take(codes)))

    def among(self, affinities: Affinities | None, idx: Array) -> Affinities | None:
        """The affinities of a scorer that has these items too, at these indices."""
        if affinities is None or self._matrix is None:
            return affinities
        return affinities.told_by(idx, self._matrix, self._weight)


@dataclass(frozen=True, eq=False)
class GivenRatings:
    """The ratings of the new ones of a role.

    Attributes:
        codes: which new one each is of, shape (n,).
        other_idx: the index of the other side in `other`, shape (n,).
        rating: float32, shape (n,).
        other: the rows of that side.
        offset: what the score of each has beside what the rows say, shape (n,).
    """

    codes: Array
    other_idx: Indices
    rating: Array
    other: FixedRows
    offset: Array | float = 0.0

    def of(self, some: Array) -> GivenRatings:
        """Those of some new ones, which are numbered anew."""
        position = np.full(max(int(self.codes.max(initial=0)), int(some.max(initial=0))) + 1, -1)
        position[some] = np.arange(len(some))
        codes = position[self.codes]
        own = codes >= 0
        offset = self.offset[own] if isinstance(self.offset, np.ndarray) else self.offset
        return replace(self, codes=codes[own], other_idx=self.other_idx[own], rating=self.rating[own], offset=offset)


def _new_rows(
    bundle: Bundle, role: Role, ids: Ids, given: GivenRatings, features: Mapping[Role, Features]
) -> tuple[Float32Array, Array]:
    """The rows of the new ones of a role, and which of them start from their features."""
    rows = np.empty((len(ids), 1 + bundle.factors.embedding_dim), dtype=np.float32)
    featured = np.empty(0, dtype=np.int64)
    if not len(ids):
        return rows, featured
    for some, prior in _priors(bundle, role, features, ids):
        rows[some] = _solve(prior, bundle.factors, len(some), given.of(some))
        if prior.mean.ndim > 1:
            featured = some
    return rows, featured


def _priors(bundle: Bundle, role: Role, features: Mapping[Role, Features], ids: Ids) -> list[tuple[Array, Prior]]:
    """The new ones with a prior each: those without features, and those with some, whose means are their own."""
    plain = user_prior(bundle) if role == "user" else item_prior(bundle)
    by_features, of_role = read_priors(bundle)["rating"].get(role), features.get(role)
    if by_features is None or of_role is None:
        return [(np.arange(len(ids)), plain)]
    matrix = of_role.matrix_of(Vocabulary(ids))
    without, featured = np.flatnonzero(~matrix.has_any), np.flatnonzero(matrix.has_any)
    priors = [(without, plain), (featured, with_features(plain, by_features, matrix.take(featured)))]
    return [(some, prior) for some, prior in priors if len(some)]


def _solve(prior: Prior, factors: Factors, n_new: int, given: GivenRatings) -> Float32Array:
    rated, codes = np.unique(given.codes, return_inverse=True)
    rows = np.empty((n_new, len(prior.root)), dtype=np.float32)
    rows[:] = prior.mean
    if len(rated):
        of_rated = prior if prior.mean.ndim == 1 else replace(prior, mean=prior.mean[rated])
        rows[rated] = solve(
            of_rated, factors.global_mean, given.other, codes, given.other_idx, given.rating, given.offset
        )
    return rows


def _extended(factors: Factors, users: NewRows, items: NewRows, n_ratings: Counts) -> Factors:
    """The scorer with the new rows; what an unknown id gets stays what it was.

    Args:
        n_ratings: of each item among the new ones.
    """
    extended = factors.with_rows(users[0].known_idx, items[0].known_idx)
    for (ids, rows), bias, of_factors in (
        (users, extended.user_bias, extended.user_factors),
        (items, extended.item_bias, extended.item_factors),
    ):
        bias[:-1][ids.is_new], of_factors[:-1][ids.is_new] = rows[:, 0], rows[:, 1:]
    if extended.raters is not None:
        extended.raters.n_ratings[:-1][items[0].is_new] = n_ratings[items[0].is_new]
    return extended
