"""Ids of another type than a run's: a file of texts, where the run's ids are whole numbers, or the other way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recsys.core.checked import shown
from recsys.core.errors import DataError
from recsys.core.types import Indices
from recsys.data.features.kind import Role
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary, is_canonical_int


def align_id_types(ratings: Interactions, users: Vocabulary, items: Vocabulary) -> Interactions:
    """The same rows, their ids of the types that `users` and `items` have.

    Raises:
        DataError: see `check_id_types`.
    """
    check_id_types(ratings, users, items)
    user_idx, own_users = _typed(ratings.user_idx, ratings.users, users)
    item_idx, own_items = _typed(ratings.item_idx, ratings.items, items)
    return replace(ratings, user_idx=user_idx, item_idx=item_idx, users=own_users, items=own_items)


def check_id_types(
    ratings: Interactions, users: Vocabulary, items: Vocabulary, locate: Callable[[int], str] | None = None
) -> None:
    """Refuses ratings with ids that a run cannot have.

    Args:
        users, items: of the run.
        locate: where a row stands.
    Raises:
        DataError: the run's ids are whole numbers, and an id of the ratings is none; the first row with one is named.
    """
    _check(ratings.user_idx, ratings.users, users, "user", locate)
    _check(ratings.item_idx, ratings.items, items, "item", locate)


def wrong_id_type(text: str, known: Vocabulary, role: Role, where: str | None, hint: str) -> DataError:
    """The error for an id that is no whole number, where those of the run are."""
    return DataError(
        f"the {role} id {shown(text)} is not a whole number, and those of the run are",
        where=where,
        expected=f"{role} ids such as {known.id_at(0)}",
        hint=hint,
    )


def _check(idx: Indices, had: Vocabulary, known: Vocabulary, role: Role, locate: Callable[[int], str] | None) -> None:
    if known.id_type is str or had.id_type is int:
        return
    texts: list[str] = had.ids.tolist()
    odd = [at for at, text in enumerate(texts) if known.parse(text) is None]
    odd = odd or [at for at, text in enumerate(texts) if not is_canonical_int(text)]  # 7.0 could be a second 7
    rows = np.flatnonzero(np.isin(idx, odd))
    if len(rows):
        row = int(rows[0])
        raise wrong_id_type(
            str(had.id_at(int(idx[row]))),
            known,
            role,
            None if locate is None else locate(row),
            f"is data.columns.{role} the right column? if so, train a new run on all ratings: its ids may be texts",
        )


def _typed(idx: Indices, had: Vocabulary, wanted: Vocabulary) -> tuple[Indices, Vocabulary]:
    if had.id_type is wanted.id_type:
        return idx, had
    written = [wanted.id_type(raw_id) for raw_id in had.ids.tolist()]
    ids = np.empty(len(written), dtype=wanted.ids.dtype)
    ids[:] = sorted(written)
    vocabulary = Vocabulary(ids)
    return np.asarray(vocabulary.index(written)[idx]), vocabulary
