"""What a finished run has learned from and was measured on, for a run that goes on from it."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.artifacts.bundle import Bundle, HeldOut
from recsys.core.types import Indices
from recsys.data.catalogue import ItemCatalogue
from recsys.data.interactions import Interactions, reindex
from recsys.data.vocabulary import Vocabulary

HELD_OUT: tuple[HeldOut, ...] = ("valid", "test", "earlier")


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
        held_out = {part: ratings for part in HELD_OUT if (ratings := bundle.held_out(part)) is not None}
        return cls(
            train=reindex(bundle.seen.interactions(), users, items),
            held_out={part: reindex(ratings, users, items) for part, ratings in held_out.items()},
            rows={"user": bundle.users.index(users.ids), "item": bundle.items.index(items.ids)},
            catalogue=ItemCatalogue.of(bundle.items, bundle.titles, bundle.item_columns).updated(newer),
        )
