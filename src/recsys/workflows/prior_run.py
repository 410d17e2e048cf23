"""What a finished run has learned from and was measured on, for a run that goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import get_args

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.featured import with_featured
from recsys.artifacts.held_out import HELD_OUT, part_of_unknown
from recsys.core.types import Indices
from recsys.data.catalogue import ItemCatalogue
from recsys.data.interactions import HeldOut, Interactions, join, reindex
from recsys.data.parts import TRAIN, PartOfRow
from recsys.data.split import Splits
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union


@dataclass(frozen=True, eq=False)
class PriorRun:
    """A run's ratings on the vocabularies of one that goes on from it, which hold all its ids.

    Attributes:
        train: all its training ratings, by user.
        held_out: its held-out ratings, by what they were for; with "earlier_valid" those that it did not know.
        unknown: its held-out pairs that the new run does not know either, on vocabularies of their own.
        unknown_part: see Splits.
        rows: "user" and "item" → for each one of the new run, the row in this one; −1: it is new.
        catalogue: what is known of the items, with what the new run has read of them.
    """

    train: Interactions
    held_out: dict[HeldOut, Interactions]
    unknown: Interactions | None
    unknown_part: PartOfRow | None
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
        unknown, part = bundle.unknown_pairs, part_of_unknown(bundle.folder.arrays(HELD_OUT))
        if unknown is not None:
            pairs = reindex(unknown, users, items)
            is_known = (pairs.user_idx != UNKNOWN) & (pairs.item_idx != UNKNOWN)
            newly_known, unknown = pairs.take(is_known), unknown.take(~is_known)
            part = None if part is None else part[~is_known]
            before = held_out.get("earlier_valid")
            held_out["earlier_valid"] = newly_known if before is None else join(before, newly_known)
        named = with_featured(bundle)
        return cls(
            train=reindex(bundle.seen.interactions(), users, items),
            held_out=held_out,
            unknown=unknown,
            unknown_part=part,
            rows={"user": bundle.users.index(users.ids), "item": bundle.items.index(items.ids)},
            catalogue=ItemCatalogue.of(named.items, named.titles, named.item_columns).updated(newer),
        )

    def joined(self, parts: Sequence[HeldOut]) -> Interactions | None:
        """The held-out ratings of several parts, without times; None where it has none of them."""
        held_out = [self.held_out[part] for part in parts if part in self.held_out]
        return reduce(join, held_out) if held_out else None

    def with_unknown(self, new: Splits, *, holds_out_new: bool) -> Splits:
        """The splits of a run that goes on from this one, with the unknown pairs of both.

        Args:
            holds_out_new: whether valid and test are of the new run, and not those of this one.
        """
        old, pairs = self.unknown, new.unknown
        if old is None:
            return new
        if pairs is None:
            return replace(new, unknown=old, unknown_part=None if holds_out_new else self.unknown_part)
        users, items = union(old.users, pairs.users), union(old.items, pairs.items)
        part = new.unknown_part
        return replace(
            new,
            unknown=join(reindex(old, users, items), reindex(pairs, users, items)),
            unknown_part=None if part is None else np.append(np.full(len(old), TRAIN, part.dtype), part),
        )
