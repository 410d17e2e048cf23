"""What a finished run has learned from and was measured on, for a run that goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import get_args

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.featured import with_featured
from recsys.core.types import Indices
from recsys.data.catalogue import ItemCatalogue
from recsys.data.interactions import HeldOut, Interactions, join, reindex
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union


@dataclass(frozen=True, eq=False)
class PriorRun:
    """A run's ratings on the vocabularies of one that goes on from it, which hold all its ids.

    Attributes:
        train: all its training ratings, by user.
        held_out: its held-out ratings, by what they were for; with "earlier_valid" those that it did not know.
        unknown: its held-out pairs that the new run does not know either, on vocabularies of their own.
        rows: "user" and "item" → for each one of the new run, the row in this one; −1: it is new.
        catalogue: what is known of the items, with what the new run has read of them.
    """

    train: Interactions
    held_out: dict[HeldOut, Interactions]
    unknown: Interactions | None
    rows: dict[str, Indices]
    catalogue: ItemCatalogue

    @classmethod
    def of(cls, bundle: Bundle, users: Vocabulary, items: Vocabulary, newer: ItemCatalogue) -> PriorRun:
        """The run of a bundle.

        Args:
            users, items: of the new run.
            newer: texts that it has read; they win.
        """
        stored = {part: ratings for part in get_args(HeldOut) if (ratings := bundle.held_out(part)) is not None}
        held_out = {part: reindex(ratings, users, items) for part, ratings in stored.items()}
        unknown = bundle.unknown_pairs
        if unknown is not None:
            pairs = reindex(unknown, users, items)
            is_known = (pairs.user_idx != UNKNOWN) & (pairs.item_idx != UNKNOWN)
            newly_known, unknown = pairs.take(is_known), unknown.take(~is_known)
            before = held_out.get("earlier_valid")
            held_out["earlier_valid"] = newly_known if before is None else join(before, newly_known)
        named = with_featured(bundle)
        return cls(
            train=reindex(bundle.seen.interactions(), users, items),
            held_out=held_out,
            unknown=unknown,
            rows={"user": bundle.users.index(users.ids), "item": bundle.items.index(items.ids)},
            catalogue=ItemCatalogue.of(named.items, named.titles, named.item_columns).updated(newer),
        )

    def joined(self, parts: Sequence[HeldOut]) -> Interactions | None:
        """The held-out ratings of several parts, without times; None where it has none of them."""
        held_out = [self.held_out[part] for part in parts if part in self.held_out]
        return reduce(join, held_out) if held_out else None

    def unknown_with(self, pairs: Interactions | None) -> Interactions | None:
        """The unknown pairs of this run and of one that goes on from it."""
        if self.unknown is None or pairs is None:
            return pairs if self.unknown is None else self.unknown
        users, items = union(self.unknown.users, pairs.users), union(self.unknown.items, pairs.items)
        return join(reindex(self.unknown, users, items), reindex(pairs, users, items))
