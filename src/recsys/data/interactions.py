"""Ratings as the rest of the program sees them: frozen columns of indices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from recsys.core.types import Array, BoolArray, Counts, Floats, Indices, Times
from recsys.core.words import counted
from recsys.data.catalogue import ItemCatalogue
from recsys.data.chunks import chunks, count
from recsys.data.features.kind import Role
from recsys.data.grouped import GroupedView
from recsys.data.scale import Scale
from recsys.data.sources.origin import Frame
from recsys.data.vocabulary import UNKNOWN, Vocabulary, only_counted

if TYPE_CHECKING:
    import pandas as pd


HeldOut = Literal["valid", "test", "earlier", "earlier_valid"]
"""What interactions that are not trained on are for: in a run, and "earlier" in those that it starts from."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Which entries of the vocabularies have interactions, bool, shapes (n_users,) and (n_items,)."""

    users: BoolArray
    items: BoolArray

    @classmethod
    def every(cls, n_users: int, n_items: int) -> Counted:
        """All of so many."""
        return cls(np.ones(n_users, dtype=bool), np.ones(n_items, dtype=bool))


@dataclass(frozen=True, eq=False, repr=False)
class Interactions:
    """Rows of (user, item, perhaps a rating, perhaps a time). A vocabulary may hold entries that no row has.

    Columns may lie on disk (see StoredColumn), or be divided among ranks (see DividedColumn): who goes through them by
    `chunks` takes no memory for them.

    Attributes:
        user_idx: int32, shape (n,), index into `users`; −1: unknown.
        item_idx: int32, shape (n,), index into `items`; −1: unknown.
        rating: float32, shape (n,), in the units of the file; NaN where there is none.
        timestamp: float64, shape (n,), seconds since 1970-01-01 UTC; None if the file has none.
    """

    user_idx: Indices
    item_idx: Indices
    rating: Floats
    timestamp: Times | None
    users: Vocabulary
    items: Vocabulary

    def __len__(self) -> int:
        return len(self.rating)

    def __repr__(self) -> str:
        times = "" if self.timestamp is None else " with times"
        users, items = counted(len(self.users), "user"), counted(len(self.items), "item")
        return f"Interactions({counted(len(self), 'row')}{times} on {users} and {items})"

    def take(self, rows: Array | slice) -> Interactions:
        """The rows that a mask, an array of positions or a slice selects."""
        return replace(
            self,
            user_idx=self.user_idx[rows],
            item_idx=self.item_idx[rows],
            rating=self.rating[rows],
            timestamp=None if self.timestamp is None else self.timestamp[rows],
        )

    @property
    def n_bytes(self) -> int:
        """Memory of the columns."""
        columns = (self.user_idx, self.item_idx, self.rating, self.timestamp)
        return sum(column.nbytes for column in columns if column is not None)

    @property
    def has_rating(self) -> BoolArray:
        """Whether each row has a rating, bool, shape (n,)."""
        return ~np.isnan(self.rating)

    @cached_property
    def n_rated(self) -> int:
        """How many rows have a rating."""
        return len(self) - sum(int(np.isnan(self.rating[rows]).sum()) for rows in chunks(len(self)))

    def rated(self) -> Interactions:
        """The rows that have a rating; these themselves where all have."""
        return self if self._rated is None else self._rated

    def unrated(self) -> Interactions:
        """The same rows without their ratings: counts of events, for what takes ratings as opinions."""
        return replace(self, rating=np.full_like(self.rating, np.nan))

    def known_to(self, seen: Interactions) -> Interactions:
        """The same rows; users and items of which `seen`, on the same vocabularies, has no rows become unknown.

        Those behind the others stay what they are.
        """
        user_idx = only_counted(self.user_idx, seen.user_counts, seen.users.n_behind)
        item_idx = only_counted(self.item_idx, seen.item_counts, seen.items.n_behind)
        return replace(self, user_idx=user_idx, item_idx=item_idx)

    def by_user(self) -> GroupedView:
        """The rows of each user, sorted when first asked for; all users have to be known."""
        return self._by_user

    def by_item(self) -> GroupedView:
        """The rows of each item, in the same way; its `other_idx` are users."""
        return self._by_item

    @cached_property
    def user_counts(self) -> Counts:
        """Rows of each user, int64, shape (n_users,); all users have to be known."""
        return count(self.user_idx, len(self.users))

    @cached_property
    def item_counts(self) -> Counts:
        """Rows of each item, int64, shape (n_items,); all items have to be known."""
        return count(self.item_idx, len(self.items))

    @property
    def counted(self) -> Counted:
        """Which users and items have rows."""
        return Counted(self.user_counts > 0, self.item_counts > 0)

    @cached_property
    def scale(self) -> Scale:
        """Mean, standard deviation and range of the ratings; all rows have to have one."""
        return Scale.of(self.rating)

    @property
    def n_unknown_users(self) -> int:
        """Ratings (not people) whose user is unknown."""
        return int(np.count_nonzero(self.user_idx == UNKNOWN))

    @property
    def n_unknown_items(self) -> int:
        """Ratings (not things) whose item is unknown."""
        return int(np.count_nonzero(self.item_idx == UNKNOWN))

    @cached_property
    def _rated(self) -> Interactions | None:
        """None where all have a rating: itself would be a cycle."""
        return None if self.n_rated == len(self) else self.take(self.has_rating)

    @cached_property
    def _by_user(self) -> GroupedView:
        return GroupedView.of(self.user_idx, self.item_idx, self.user_counts)

    @cached_property
    def _by_item(self) -> GroupedView:
        return GroupedView.of(self.item_idx, self.user_idx, self.item_counts)

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame of user_id, item_id, rating and, with times, timestamp; an unknown id is None."""
        import pandas as pd

        columns = {
            "user_id": self.users.ids_at(self.user_idx),
            "item_id": self.items.ids_at(self.item_idx),
            "rating": self.rating,
        }
        if self.timestamp is not None:
            columns["timestamp"] = self.timestamp
        return pd.DataFrame(columns)


def with_facts(ratings: Interactions, user_counts: Counts, item_counts: Counts, scale: Scale) -> Interactions:
    """The same rows, all of which have a rating, with facts for which nobody has to go through them then."""
    known = replace(ratings)
    known.__dict__.update(n_rated=len(ratings), user_counts=user_counts, item_counts=item_counts, scale=scale)
    return known


def reindex(ratings: Interactions, users: Vocabulary, items: Vocabulary) -> Interactions:
    """The same rows on other vocabularies, of the same id types; ids that are not in them become unknown."""
    user_idx, item_idx = (
        np.append(wanted.index(had.ids), np.int32(UNKNOWN))[idx]  # index −1 finds the last
        for wanted, had, idx in ((users, ratings.users, ratings.user_idx), (items, ratings.items, ratings.item_idx))
    )
    return replace(ratings, user_idx=user_idx, item_idx=item_idx, users=users, items=items)


def rows_with(ratings: Interactions, is_in: Callable[[Interactions], BoolArray]) -> Interactions:
    """The rows that are in, as a mask says of some rows at a time."""
    parts = [part.take(is_in(part)) for part in map(ratings.take, chunks(len(ratings)))]
    return stack(parts) if parts else ratings


def stack(ratings: Sequence[Interactions]) -> Interactions:
    """The rows of several, which share their vocabularies, one after the other; with times where all have them."""
    times = [part.timestamp for part in ratings if part.timestamp is not None]
    return replace(
        ratings[0],
        user_idx=np.concatenate([part.user_idx for part in ratings]),
        item_idx=np.concatenate([part.item_idx for part in ratings]),
        rating=np.concatenate([part.rating for part in ratings]),
        timestamp=np.concatenate(times) if len(times) == len(ratings) else None,
    )


def join(first: Interactions, second: Interactions) -> Interactions:
    """The rows of both, which share their vocabularies, without times."""
    return Interactions(
        user_idx=np.concatenate([first.user_idx, second.user_idx]),
        item_idx=np.concatenate([first.item_idx, second.item_idx]),
        rating=np.concatenate([first.rating, second.rating]),
        timestamp=None,
        users=first.users,
        items=first.items,
    )


def user_numbers(ratings: Interactions) -> Indices:
    """A number for the user of each row; rows of unknown users have one each."""
    unknown = len(ratings.users) + np.arange(len(ratings), dtype=np.int32)
    return np.where(ratings.user_idx == UNKNOWN, unknown, ratings.user_idx)


@dataclass(frozen=True, eq=False)
class Dataset:
    """All that was read for a run, before it is split.

    Attributes:
        ratings: every row of every file, in the order of the files.
        given: part name ("train", "valid", "test") → its rows, when the parts were files of their own; else None.
        fingerprints: "ratings", or "train", "valid", "test" → sha256 of that file's bytes as stored; empty where the
            ratings are from no file, or have been changed since.
        n_duplicates: rows that the policy `duplicates` dropped.
        frames: "item" and "user" → a table in memory of their features, in place of a file that a config names.
        item_column: what the first file calls the column of item ids; None where it has no names.
    """

    ratings: Interactions
    given: dict[str, slice] | None
    fingerprints: dict[str, str] = field(default_factory=dict)
    catalogue: ItemCatalogue = field(default_factory=ItemCatalogue)
    n_duplicates: int = 0
    frames: Mapping[Role, Frame] = field(default_factory=dict)
    item_column: str | None = None

    def identify(self) -> dict[str, str]:
        """The fingerprints, or that of the ratings and their ids where there are none."""
        if self.fingerprints:
            return self.fingerprints
        ratings, digest = self.ratings, hashlib.sha256()
        for column in (ratings.user_idx, ratings.item_idx, ratings.rating, ratings.timestamp):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).data)
        for vocabulary in (ratings.users, ratings.items):
            digest.update(repr((vocabulary.ids.tolist(), self.given)).encode())
        return {"ratings": digest.hexdigest()}
