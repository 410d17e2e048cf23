"""What a finished run has learned from and was measured on, for a run that goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import get_args

from recsys.artifacts.bundle import Bundle, HeldOut
from recsys.core.types import Indices
from recsys.data.catalogue import ItemCatalogue
from recsys.data.interactions import Interactions, join, reindex
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class PriorRun:
    """A run's ratings on the vocabularies of one that goes on from it, which hold all its ids.

    Attributes:
        train: all its training ratings, by user.
        held_out: its held-out ratings, by what they were for.
        rows: "user" and "item" → for each one of the new run, the row in this one; −1: it is new.
        catalogue: what is known of the items, with what the new run has read of them.
    """

    train: Interactions
    held_out: dict[HeldOut, Interactions]
    rows: dict[str, Indices]
    catalogue: ItemCatalogue

    @classmethod
    def of(cls, bundle: Bundle, users: Vocabulary, items: Vocabulary, newer: ItemCatalogue) -> PriorRun:
        """The run of a bundle.

        Args:
            users, items: of the new run.
            newer: texts that it has read; they win.
        """
        held_out = {part: ratings for part in get_args(HeldOut) if (ratings := bundle.held_out(part)) is not None}
        return cls(
            train=reindex(bundle.seen.interactions(), users, items),
            held_out={part: reindex(ratings, users, items) for part, ratings in held_out.items()},
            rows={"user": bundle.users.index(users.ids), "item": bundle.items.index(items.ids)},
            catalogue=ItemCatalogue.of(bundle.items, bundle.titles, bundle.item_columns).updated(newer),
        )

    def joined(self, parts: Sequence[HeldOut]) -> Interactions | None:
        """The held-out ratings of several parts, without times; None where it has none of them."""
        held_out = [self.held_out[part] for part in parts if part in self.held_out]
        return reduce(join, held_out) if held_out else None
