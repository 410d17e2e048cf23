"""The users and items that have training ratings, and rows on the vocabularies of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, BoolArray, Indices
from recsys.data.chunks import count
from recsys.data.interactions import Interactions
from recsys.data.sources.table import remap
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union


class VocabularyRemap:
    """The ids of a vocabulary that are known, and those that are known from elsewhere."""

    def __init__(self, all_ids: Vocabulary, is_known: BoolArray, also: Vocabulary | None = None) -> None:
        self._are_all = bool(is_known.all()) and also is None
        self._new = np.where(is_known, np.cumsum(is_known) - 1, UNKNOWN).astype(np.int32)
        self.vocabulary = all_ids if self._are_all else Vocabulary(all_ids.ids[is_known])
        if also is not None:
            self.vocabulary = union(self.vocabulary, also)
            self._new = self.vocabulary.index(all_ids.ids)

    def new_idx(self, old: Indices, *, is_own: bool = False) -> Indices:
        """Indices into all ids → indices into the known ones, or UNKNOWN; written over the old ones if `is_own`."""
        return old if self._are_all else remap(old, self._new) if is_own else self._new[old]


@dataclass(frozen=True, eq=False)
class Known:
    """Users and items that are known."""

    users: VocabularyRemap
    items: VocabularyRemap

    @classmethod
    def of(
        cls,
        ratings: Interactions,
        is_user_known: BoolArray,
        is_item_known: BoolArray,
        also: tuple[Vocabulary, Vocabulary] | None = None,
    ) -> Known:
        """Those of the vocabularies of ratings that are known, and those of two others."""
        users_also, items_also = also or (None, None)
        users = VocabularyRemap(ratings.users, is_user_known, users_also)
        return cls(users, VocabularyRemap(ratings.items, is_item_known, items_also))

    def take(self, ratings: Interactions, rows: slice | Array) -> Interactions:
        """Some of the rows, on the vocabularies of those that are known."""
        return Interactions(
            user_idx=self.users.new_idx(ratings.user_idx[rows], is_own=not isinstance(rows, slice)),
            item_idx=self.items.new_idx(ratings.item_idx[rows], is_own=not isinstance(rows, slice)),
            rating=ratings.rating[rows],
            timestamp=None if ratings.timestamp is None else ratings.timestamp[rows],
            users=self.users.vocabulary,
            items=self.items.vocabulary,
        )

    def unknown(self, held_out: Interactions) -> tuple[Interactions | None, BoolArray]:
        """The rows with a user or an item that is not known, on vocabularies of their own; and a mask of them."""
        user_idx, item_idx = self.users.new_idx(held_out.user_idx), self.items.new_idx(held_out.item_idx)
        is_unknown = (user_idx == UNKNOWN) | (item_idx == UNKNOWN)
        if not is_unknown.any():
            return None, is_unknown
        rows = held_out.take(is_unknown)
        own = count(rows.user_idx, len(rows.users)) > 0, count(rows.item_idx, len(rows.items)) > 0
        return Known.of(rows, *own).take(rows, slice(None)), is_unknown
