"""What each user has rated, of the ratings in a serving folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.core.layout import ArraySpec, Layout
from recsys.core.types import Floats, Indices
from recsys.data.chunks import count
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN, Vocabulary

SEEN_LAYOUT: Layout = {
    "item_idx": ArraySpec("int32", ("n_interactions",), 0, ("n_items", -1)),
    "rating": ArraySpec("float32", ("n_interactions",), nan=True),
}


@dataclass(frozen=True, eq=False)
class SeenRatings:
    """The ratings that a run was trained on, those of a user as they stood in the file; read from disk as touched.

    Attributes:
        rating: float32, shape (n,), in the order of `by_user`.
    """

    users: Vocabulary
    items: Vocabulary
    by_user: GroupedView
    rating: Floats

    def of_user(self, user_idx: int) -> tuple[Indices, Floats]:
        """The items that a user rated, and the ratings."""
        start, end = self.by_user.start[user_idx : user_idx + 2].tolist()
        return self.by_user.other_idx[start:end], self.rating[start:end]

    def interactions(self) -> Interactions:
        """All of them, without times."""
        user_idx = np.repeat(np.arange(len(self.users), dtype=np.int32), self.by_user.counts)
        return Interactions(user_idx, self.by_user.other_idx, self.rating, None, self.users, self.items)

    def sample(self, n: int) -> Interactions:
        """About n of them, evenly spaced by user, or all if there are fewer; without times."""
        rows = np.arange(0, len(self.rating), max(1, len(self.rating) // n))
        user_idx = (np.searchsorted(self.by_user.start, rows, side="right") - 1).astype(np.int32)
        item_idx, rating = self.by_user.other_idx[rows], self.rating[rows]
        return Interactions(user_idx, item_idx, rating, None, self.users, self.items)


def known_by_user(parts: Sequence[Interactions], n_users: int) -> GroupedView:
    """The rows of several parts whose user and item are known, by user."""
    none = np.empty(0, dtype=np.int32)
    user_idx = np.concatenate([none, *(part.user_idx for part in parts)])
    item_idx = np.concatenate([none, *(part.item_idx for part in parts)])
    known = (user_idx != UNKNOWN) & (item_idx != UNKNOWN)
    user_idx, item_idx = user_idx[known], item_idx[known]
    return GroupedView.of(user_idx, item_idx, count(user_idx, n_users))
