"""Who is ranked for, and what is relevant to them, from held-out interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array, BoolArray, Counts, Indices, Int64Array
from recsys.data.chunks import chunks
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN

Relevance = Literal["any", "like"]
UPPER = 0.75  # of the scale: what lies above is liked


class RelevantCounts(TypedDict):
    """On what a ranking is measured: users ranked for, relevant interactions that count, and what was left out.

    n_relevant_unknown_items are among n_relevant, and never found; users without relevant interactions, relevant
    interactions of unknown users, and those of items that the user has in training are left out.
    """

    n_users: int
    n_users_without_relevant: int
    n_relevant: int
    n_relevant_unknown_items: int
    n_relevant_unknown_users: int
    n_relevant_already_rated: int


@dataclass(frozen=True, eq=False)
class Relevant:
    """What would be right for each user of a task, by one definition.

    Attributes:
        start: where the items of each begin, int64, shape (n_users + 1,).
        items: int32, those of a user together, rising; none that the user has in training.
        n_relevant: of each user, int64, shape (n_users,), perhaps 0: the items, and those without training
            interactions, which no list holds.
    """

    start: Int64Array
    items: Indices
    n_relevant: Counts
    counts: RelevantCounts


@dataclass(frozen=True, eq=False)
class RankingTask:
    """Who is ranked for, what is ranked, and what would be right.

    Attributes:
        users: those with any relevant interaction, int32, rising, shape (n_users,).
        candidates: which items are ranked: those with training interactions, bool, shape (n_items,).
        relevant: by definition. any: every held-out interaction. like: those rated at least `threshold`.
        threshold: None where nothing is rated; there is no "like" then.
    """

    users: Indices
    candidates: BoolArray
    relevant: dict[Relevance, Relevant]
    threshold: float | None


def default_threshold(train: Interactions) -> float | None:
    """The lowest training rating in the upper quarter of the scale: 4 on 0.5–5 and on 1–5, 8 on 1–10.

    None where no row has a rating.
    """
    rated = train.rated()
    if not len(rated):
        return None
    scale = rated.scale
    return float(rated.rating[rated.rating >= scale.low + UPPER * (scale.high - scale.low)].min())


def ranking_task(held_out: Interactions, seen: Interactions, threshold: float | None) -> RankingTask:
    """What a ranking is measured by, for both definitions of what is relevant.

    Args:
        held_out: on the vocabularies of `seen`; a rating may be NaN.
        seen: training interactions. Items that a user has here are no candidates.
        threshold: the lowest rating that is a like; None: there are no likes.
    """
    known = held_out.known_to(seen)
    n_measured = len(np.unique(known.user_idx[known.user_idx != UNKNOWN]))
    every = _RelevantPairs.of(known, seen)
    users = np.flatnonzero(every.n_relevant).astype(np.int32)
    relevant: dict[Relevance, Relevant] = {"any": every.of_users(users, n_measured)}
    if threshold is not None:
        likes = _RelevantPairs.of(known.take(known.rating >= threshold), seen)
        relevant["like"] = likes.of_users(users, n_measured)
    return RankingTask(users, seen.item_counts > 0, relevant, threshold)


def sample_users(held_out: Interactions, at_most: int, seed: int) -> Interactions:
    """The rows of so many of the known users, drawn by the seed; all rows where there are no more users than that."""
    users = np.unique(held_out.user_idx[held_out.user_idx != UNKNOWN])
    if len(users) <= at_most:
        return held_out
    drawn = np.zeros(len(held_out.users) + 1, dtype=bool)  # the last one: unknown users
    drawn[rng(seed, "users to rank for").choice(users, at_most, replace=False)] = True
    return held_out.take(drawn[held_out.user_idx])


@dataclass(frozen=True, eq=False)
class _RelevantPairs:
    """Relevant pairs of all users.

    Attributes:
        pairs: user · n_items + item, rising, those of known users and items that are not in training.
        n_known, n_relevant: of each user.
    """

    pairs: Int64Array
    n_items: int
    n_known: Counts
    n_relevant: Counts
    n_of_unknown_users: int
    n_already_rated: int

    @classmethod
    def of(cls, rows: Interactions, seen: Interactions) -> _RelevantPairs:
        n_users, n_items = len(seen.users), len(seen.items)
        by_known = rows.take(rows.user_idx != UNKNOWN)
        is_item = by_known.item_idx != UNKNOWN
        user_idx = by_known.user_idx.astype(np.int64)
        pairs = np.unique(user_idx[is_item] * n_items + by_known.item_idx[is_item])
        is_rated = _are_among(pairs, seen)
        pairs = pairs[~is_rated]
        n_known = np.bincount(pairs // n_items, minlength=n_users)
        n_relevant = n_known + np.bincount(user_idx[~is_item], minlength=n_users)
        return cls(pairs, n_items, n_known, n_relevant, len(rows) - len(by_known), int(is_rated.sum()))

    def of_users(self, users: Indices, n_measured: int) -> Relevant:
        """Those of some users, among whom are all who have any; n_measured users have held-out interactions."""
        n_relevant = self.n_relevant[users]
        n_users = int(np.count_nonzero(n_relevant))
        return Relevant(
            start=np.concatenate([[0], np.cumsum(self.n_known[users])]),
            items=(self.pairs % self.n_items).astype(np.int32),
            n_relevant=n_relevant,
            counts={
                "n_users": n_users,
                "n_users_without_relevant": n_measured - n_users,
                "n_relevant": int(n_relevant.sum()),
                "n_relevant_unknown_items": int(n_relevant.sum()) - len(self.pairs),
                "n_relevant_unknown_users": self.n_of_unknown_users,
                "n_relevant_already_rated": self.n_already_rated,
            },
        )


def _are_among(pairs: Int64Array, seen: Interactions) -> Array:
    """Which of the pairs user · n_items + item, which rise, are in training."""
    among = np.zeros(len(pairs), dtype=bool)
    if len(pairs):
        for rows in chunks(len(seen)):
            rated = seen.user_idx[rows].astype(np.int64) * len(seen.items) + seen.item_idx[rows]
            at = np.searchsorted(pairs, rated).clip(max=len(pairs) - 1)
            among[at[pairs[at] == rated]] = True
    return among
