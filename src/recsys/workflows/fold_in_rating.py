"""New users and items in the rating scorer of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import RunError
from recsys.core.resolve import resolve
from recsys.core.types import Array, Arrays, Float32Array, Indices
from recsys.core.words import joined, shell_word
from recsys.data.training_inputs import TrainingInputs
from recsys.inference.fold_in import FixedRows, Prior, item_prior, linear_factors, solve, user_prior
from recsys.inference.new_entities import NewEntities
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
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


def fold_in_rating(bundle: Bundle, new: NewEntities, users: ExtendedVocabulary, items: ExtendedVocabulary) -> Factors:
    """The scorer with the rows of new users and items; those of them without ratings get the mean row.

    Old rows keep their bits, and an unknown id its fallback.
    """
    factors, rated = linear_factors(bundle), ~np.isnan(new.ratings.rating)
    of_users, of_items = new.ratings.take(new.is_new_user & rated), new.ratings.take(~new.is_new_user & rated)
    user_rows = item_rows = np.empty((0, 1 + factors.embedding_dim), dtype=np.float32)
    if users.n_new:
        codes, item_idx = users.new_idx[of_users.user_idx], items.known_idx[of_users.item_idx]
        fixed = FixedRows.items(factors)
        user_rows = _solve(user_prior(bundle), factors, fixed, users.n_new, codes, item_idx, of_users.rating)
    if items.n_new:
        codes, user_idx = items.new_idx[of_items.item_idx], users.known_idx[of_items.user_idx]
        fixed = FixedRows.users(factors)
        item_rows = _solve(item_prior(bundle), factors, fixed, items.n_new, codes, user_idx, of_items.rating)
    return _extended(factors, (users, user_rows), (items, item_rows))


def _solve(
    prior: Prior, factors: Factors, fixed: FixedRows, n_new: int, codes: Array, other_idx: Indices, rating: Array
) -> Float32Array:
    """The rows of all new ones of a role."""
    rated, codes_of_rated = np.unique(codes, return_inverse=True)
    rows = np.tile(prior.mean.astype(np.float32), (n_new, 1))
    if len(rated):
        rows[rated] = solve(prior, factors.global_mean, fixed, codes_of_rated, other_idx, rating)
    return rows


def _extended(factors: Factors, users: NewRows, items: NewRows) -> Factors:
    """The scorer with the new rows; what an unknown id gets stays what it was."""
    extended = factors.with_rows(users[0].known_idx, items[0].known_idx)
    for (ids, rows), bias, of_factors in (
        (users, extended.user_bias, extended.user_factors),
        (items, extended.item_bias, extended.item_factors),
    ):
        bias[:-1][ids.is_new], of_factors[:-1][ids.is_new] = rows[:, 0], rows[:, 1:]
    return extended
