"""Ratings whose ids are of another type than a run's: a file of numbers, where the run's ids are texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recsys.core.checked import shown
from recsys.core.errors import DataError
from recsys.core.types import Indices
from recsys.data.interactions import Interactions
from recsys.data.sources.table import as_texts
from recsys.data.vocabulary import Vocabulary


def align_id_types(ratings: Interactions, users: Vocabulary, items: Vocabulary) -> Interactions:
    """The same rows, their ids of the types that `users` and `items` have.

    Raises:
        DataError: the vocabularies hold whole numbers, and an id of the ratings is none.
    """
    user_idx, own_users = _typed(ratings.user_idx, ratings.users, users, "user")
    item_idx, own_items = _typed(ratings.item_idx, ratings.items, items, "item")
    return replace(ratings, user_idx=user_idx, item_idx=item_idx, users=own_users, items=own_items)


def _typed(idx: Indices, had: Vocabulary, wanted: Vocabulary, role: str) -> tuple[Indices, Vocabulary]:
    if had.id_type is wanted.id_type:
        return idx, had
    if wanted.id_type is int:
        odd = next(raw_id for raw_id in had.ids.tolist() if wanted.parse(raw_id) is None)
        raise DataError(
            f"the {role} id {shown(odd)} is not a whole number, and those of the run are",
            expected=f"{role} ids such as {wanted.id_at(0)}",
            hint=f"is data.columns.{role} the right column?",
        )
    texts = [str(raw_id) for raw_id in had.ids.tolist()]
    vocabulary = Vocabulary(as_texts(sorted(texts)))
    return np.asarray(vocabulary.index(texts)[idx]), vocabulary
