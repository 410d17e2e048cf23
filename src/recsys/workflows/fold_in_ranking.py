"""New users and items in the ranking scorer of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recsys.core.types import Array, Arrays, Float32Array, Indices
from recsys.inference.new_entities import NewEntities
from recsys.scoring.implicit.rows import Solve
from recsys.scoring.implicit.scorer import ImplicitFactors
from recsys.workflows.extended_vocabulary import ExtendedVocabulary


def fold_in_ranking(
    scorer: ImplicitFactors, parameters: Arrays, new: NewEntities, users: ExtendedVocabulary, items: ExtendedVocabulary
) -> tuple[ImplicitFactors, Arrays]:
    """The scorer and its parameters with the rows of new users, towards the mean user, and of new items likewise.

    Old rows keep their bits, and an unknown id its fallback.

    Args:
        parameters: of the fitted rows, see recsys.training.ials.
    """
    of_users, of_items = new.ratings.take(new.is_new_user), new.ratings.take(~new.is_new_user)
    targets = scorer.targets(of_users.rating), scorer.targets(of_items.rating)
    user_codes, item_codes = users.new_idx[of_users.user_idx], items.new_idx[of_items.item_idx]
    user_rows = _solve(
        scorer.user_rows().solve, user_codes, users.n_new, items.known_idx[of_users.item_idx], targets[0]
    )
    item_rows = _solve(
        scorer.item_rows().solve, item_codes, items.n_new, users.known_idx[of_items.user_idx], targets[1]
    )
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


def _solve(solve: Solve, codes: Array, n: int, other_idx: Indices, targets: Float32Array) -> Float32Array:
    """The rows of n new entities, whose interactions come in any order, with others that are all known."""
    order = np.argsort(codes, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=n))])
    return solve(start, other_idx[order], targets[order])


def _with(known: Float32Array, ids: ExtendedVocabulary, rows: Float32Array) -> Float32Array:
    return np.concatenate([ids.merge(known[:-1], rows), known[-1:]])
