"""One protocol for everything that ranks: how interactions are split, lists measured, and hyperparameters tuned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from recsys.core.types import Array, BoolArray, Float32Array, Float64Array, Floats, Indices
from recsys.data.grouped import GroupedView
from recsys.scoring.top import masked_top_n

HELD_OUT = 0.2  # of each user's interactions
UPPER = 0.75  # of the scale: what lies above is liked
SCORES = 1 << 23  # at once
K_NDCG, K_RECALL = 10, 20

Scores: TypeAlias = Callable[[Indices], Float32Array]
"""Users → scores of all items, float32, shape (n, n_items)."""
Fit: TypeAlias = Callable[["Pairs", Any], Scores]
"""Training interactions and a setting → scores."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Interactions of users and items, each pair once.

    Attributes:
        user, item: int32, shape (n,).
        rating: float32, shape (n,); NaN for a click.
    """

    user: Indices
    item: Indices
    rating: Floats
    n_users: int
    n_items: int

    def take(self, rows: BoolArray) -> Pairs:
        """The rows of a mask, of the same users and items."""
        return Pairs(self.user[rows], self.item[rows], self.rating[rows], self.n_users, self.n_items)

    def by_user(self) -> GroupedView:
        """Grouped by user."""
        return GroupedView.of(self.user, self.item, np.bincount(self.user, minlength=self.n_users))

    def by_item(self) -> GroupedView:
        """Grouped by item."""
        return GroupedView.of(self.item, self.user, np.bincount(self.item, minlength=self.n_items))


@dataclass(frozen=True)
class Figures:
    """Means over users: of ndcg@10 for any held-out item and for liked ones, and of hits@20 / min(20, relevant)."""

    any: float
    like: float
    recall: float

    @classmethod
    def mean(cls, figures: Iterable[Figures]) -> Figures:
        """Of several splits."""
        rows = [[getattr(each, field.name) for field in fields(cls)] for each in figures]
        return cls(*np.mean(rows, axis=0).tolist())


def split(pairs: Pairs, seed: int) -> tuple[Pairs, Pairs]:
    """Train and test: a random fifth of each user's interactions is test."""
    order = np.lexsort((np.random.default_rng(seed).random(len(pairs.user)), pairs.user))
    counts = np.bincount(pairs.user, minlength=pairs.n_users)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_test = rank < np.rint(HELD_OUT * counts)[pairs.user]
    return pairs.take(~is_test), pairs.take(is_test)


def measure(scores: Scores, train: Pairs, test: Pairs) -> Figures:
    """Candidates are all items with training interactions that the user has none with; equal scores come by item.

    Liked are clicks, and ratings of at least the lowest training rating in the upper quarter of the scale.
    """
    is_click, is_candidate = np.isnan(test.rating), np.bincount(train.item, minlength=train.n_items) > 0
    is_liked = is_click | (test.rating >= _threshold(train.rating)) if len(train.rating) > is_click.sum() else is_click
    seen, users = train.by_user(), np.unique(test.user)
    position = np.searchsorted(users, test.user)
    best = np.empty((len(users), K_RECALL), np.int64)
    for some in np.array_split(np.arange(len(users)), -(-len(users) * train.n_items // SCORES)):
        values = np.array(scores(users[some].astype(np.int32)), np.float32)
        best[some], _ = masked_top_n(values, K_RECALL, allowed=is_candidate, left_out=seen.pairs(users[some]))
    keys = position * np.int64(train.n_items) + test.item
    listed = np.arange(len(users))[:, None] * np.int64(train.n_items) + best
    every = np.ones(len(test.user), np.bool_)
    ndcg, recall = _ndcg_and_recall(listed, keys, position, every)
    return Figures(ndcg, _ndcg_and_recall(listed, keys, position, is_liked)[0], recall)


def tuned(fit: Fit, settings: Iterable[Any], train: Pairs, seed: int) -> tuple[Any, Scores]:
    """The setting with the best ndcg@10 for any item on a fifth of the training part, fitted to all of that part."""
    choices = list(settings)
    if len(choices) > 1:
        rest, valid = split(train, seed + 1_000)
        choices.sort(key=lambda setting: -measure(fit(rest, setting), rest, valid).any)
    return choices[0], fit(train, choices[0])


def _threshold(rating: Floats) -> float:
    rated = rating[~np.isnan(rating)]
    if not len(rated):
        return 0.0
    low, high = float(rated.min()), float(rated.max())
    return float(rated[rated >= low + UPPER * (high - low)].min())


def _ndcg_and_recall(listed: Array, keys: Array, position: Array, is_relevant: BoolArray) -> tuple[float, float]:
    hits = np.isin(listed, keys[is_relevant])
    n_relevant = np.bincount(position[is_relevant], minlength=len(listed))
    gain: Float64Array = 1 / np.log2(np.arange(K_NDCG) + 2)
    some = n_relevant > 0
    ideal = np.cumsum(gain)[np.minimum(n_relevant[some], K_NDCG) - 1]
    ndcg = hits[some][:, :K_NDCG] @ gain / ideal
    recall = hits[some].sum(axis=1) / np.minimum(n_relevant[some], K_RECALL)
    return float(ndcg.mean()), float(recall.mean())
