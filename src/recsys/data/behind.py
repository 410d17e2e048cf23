"""Rows on vocabularies that know more users and items than training has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recsys.core.types import Indices
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN, Vocabulary

FACTS = ("n_rated", "scale")  # of rows, whatever the vocabularies


def with_more_behind(seen: Interactions, users: Vocabulary, items: Vocabulary) -> Interactions:
    """The training rows on vocabularies with more ids behind; what has been found of them need not be found again."""
    longer, found = replace(seen, users=users, items=items), vars(seen)
    facts = {name: found[name] for name in FACTS if name in found}
    for name, ids in (("user_counts", users), ("item_counts", items)):
        if name in found:
            facts[name] = np.append(found[name], np.zeros(len(ids) - len(found[name]), dtype=np.int64))
    vars(longer).update(facts)
    return longer


def with_those_behind(
    part: Interactions, unknown: Interactions | None, users: Vocabulary, items: Vocabulary
) -> Interactions:
    """The rows of a part on vocabularies with more ids behind those that it has.

    Args:
        unknown: its rows with an unknown user or item, in their order, on vocabularies of their own; None: nobody can
            tell who they are, and they stay unknown.
    """
    rows = np.flatnonzero((part.user_idx == UNKNOWN) | (part.item_idx == UNKNOWN))
    if unknown is None or len(rows) != len(unknown):
        return replace(part, users=users, items=items)
    user_idx, item_idx = np.array(part.user_idx), np.array(part.item_idx)
    user_idx[rows] = users.index(unknown.users.ids)[unknown.user_idx]
    item_idx[rows] = items.index(unknown.items.ids)[unknown.item_idx]
    return replace(part, user_idx=user_idx, item_idx=item_idx, users=users, items=items)


def without_those_behind(ratings: Interactions) -> Interactions:
    """The same rows on the vocabularies without the ids behind, which become unknown."""
    if not (ratings.users.n_behind or ratings.items.n_behind):
        return ratings
    user_idx, users = _without(ratings.user_idx, ratings.users)
    item_idx, items = _without(ratings.item_idx, ratings.items)
    return replace(ratings, user_idx=user_idx, item_idx=item_idx, users=users, items=items)


def _without(idx: Indices, ids: Vocabulary) -> tuple[Indices, Vocabulary]:
    first = len(ids) - ids.n_behind
    return np.where(idx < first, idx, np.int32(UNKNOWN)), Vocabulary(ids.ids[:first])
