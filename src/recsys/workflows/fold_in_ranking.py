"""New users and items in the ranking scorer of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from recsys.core.types import Array, Arrays, Float32Array, Float64Array, Indices
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.vocabulary import Vocabulary
from recsys.inference.new_entities import NewEntities
from recsys.scoring.feature_prior.prior import FeaturePrior, Priors
from recsys.scoring.implicit.rows import Solve
from recsys.scoring.implicit.scorer import ImplicitFactors
from recsys.workflows.extended_vocabulary import ExtendedVocabulary


def fold_in_ranking(
    scorer: ImplicitFactors,
    parameters: Arrays,
    new: NewEntities,
    users: ExtendedVocabulary,
    items: ExtendedVocabulary,
    priors: Priors,
    features: Mapping[Role, Features],
) -> tuple[ImplicitFactors, Arrays]:
    """The scorer and its parameters with the rows of new users, towards the mean user, and of new items likewise.

    With features, they go towards the row that those tell.

    Old rows keep their bits, and an unknown id its fallback.

    Args:
        parameters: of the fitted rows, see recsys.training.ials.
        priors: what features say of the rows.
        features: of the known and the new ones.
    """
    of_users, of_items = new.ratings.take(new.is_new_user), new.ratings.take(~new.is_new_user)
    targets = scorer.targets(of_users.rating), scorer.targets(of_items.rating)
    user_codes, item_codes = users.new_idx[of_users.user_idx], items.new_idx[of_items.item_idx]
    of_user, of_item = scorer.user_rows(), scorer.item_rows()
    user_centers = _centers(of_user.mean_user, priors.get("user"), features.get("user"), new.ratings.users, users)
    item_centers = _centers(of_item.mean_item, priors.get("item"), features.get("item"), new.ratings.items, items)
    user_rows = _solve(of_user.solve, user_codes, items.known_idx[of_users.item_idx], targets[0], user_centers)
    item_rows = _solve(of_item.solve, item_codes, users.known_idx[of_items.user_idx], targets[1], item_centers)
    item_counts = np.bincount(item_codes, minlength=items.n_new)
    extended = replace(
        scorer,
        user_factors=_with(scorer.user_factors, users, user_rows),
        item_factors=_with(scorer.item_factors, items, item_rows),
        item_bias=_with(scorer.item_bias, items, scorer.item_bias_of(item_counts)),
    )
    return extended, {
        "user_embedding": users.merge(parameters["user_embedding"], user_rows),
        "item_embedding": items.merge(parameters["item_embedding"], item_rows),
    }


def _centers(
    mean: Float64Array,
    prior: FeaturePrior | None,
    features: Features | None,
    all_ids: Vocabulary,
    ids: ExtendedVocabulary,
) -> Float64Array:
    """The row of each new one before its interactions, shape (n, dim): the mean, or what its features tell."""
    centers = np.tile(mean, (ids.n_new, 1))
    if prior is not None and features is not None:
        matrix = features.matrix_of(Vocabulary(all_ids.ids[ids.is_new]))
        featured = np.flatnonzero(matrix.has_any)
        centers[featured] = prior.rows(matrix.take(featured))[:, -len(mean) :]  # without a bias before the factors
    return centers


def _solve(
    solve: Solve, codes: Array, other_idx: Indices, targets: Float32Array, centers: Float64Array
) -> Float32Array:
    """The rows of new entities, whose interactions come in any order, with others that are all known."""
    order = np.argsort(codes, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(centers)))])
    return solve(start, other_idx[order], targets[order], centers)


def _with(known: Float32Array, ids: ExtendedVocabulary, rows: Float32Array) -> Float32Array:
    return np.concatenate([ids.merge(known[:-1], rows), known[-1:]])
