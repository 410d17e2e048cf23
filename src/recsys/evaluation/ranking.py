"""How good the first places are: lists of unseen items against what users turned out to like.

The protocol: candidates are all known items that the user has not rated in training; relevant are held-out ratings of
at least a threshold; equal scores come by item index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from recsys.core.events import Observer, Scoring, silent
from recsys.core.threads import ordered_map, usable_cores
from recsys.core.types import Array
from recsys.data.chunks import chunks
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation.ranking_metrics import RankedLists, ranking_metrics
from recsys.scoring.protocols import Scorer
from recsys.scoring.top import masked_top_n

SCORES = 1 << 22  # at once in each thread: 16 MB
UPPER = 0.75  # of the scale: what lies above is relevant


class RelevantCounts(TypedDict):
    """On what a ranking is measured: users ranked for, relevant ratings that count, and what was left out.

    n_relevant_unknown_items are among n_relevant, and never found; users without relevant ratings, relevant ratings of
    unknown users, and those of items that the user rated in training are left out.
    """

    n_users: int
    n_users_without_relevant: int
    n_relevant: int
    n_relevant_unknown_items: int
    n_relevant_unknown_users: int
    n_relevant_already_rated: int


@dataclass(frozen=True, eq=False)
class Relevant:
    """Who is ranked for, and what would be right.

    Attributes:
        users: those with something relevant, int32, rising, shape (n,).
        start: where the items of each begin, int64, shape (n + 1,).
        items: int32, those of a user together, rising; none that the user rated in training.
        n_relevant: of each user, int64, shape (n,): the items, and those without training ratings, which no list holds.
    """

    users: Array
    start: Array
    items: Array
    n_relevant: Array
    counts: RelevantCounts


def default_threshold(train: Interactions) -> float:
    """The lowest training rating in the upper quarter of the scale: 4 on 0.5–5 and on 1–5, 8 on 1–10."""
    scale = train.scale
    return float(train.rating[train.rating >= scale.low + UPPER * (scale.high - scale.low)].min())


def relevant(held_out: Interactions, train: Interactions, threshold: float) -> Relevant:
    """What users turned out to like: held-out ratings of at least the threshold.

    Args:
        held_out: on the vocabularies of train.
    """
    n_items = np.int64(len(train.items))
    likes = held_out.take(held_out.rating >= threshold)
    known = likes.take(likes.user_idx != UNKNOWN)
    user_of_all, item_of_all = known.user_idx.astype(np.int64), known.item_idx
    is_item = item_of_all != UNKNOWN
    keys = np.unique(user_of_all[is_item] * n_items + item_of_all[is_item])
    rated = _are_among(keys, train)
    keys = keys[~rated]
    n_strange = np.bincount(user_of_all[~is_item], minlength=len(train.users))
    n_known = np.bincount(keys // n_items, minlength=len(train.users))
    users = np.flatnonzero(n_known + n_strange).astype(np.int32)
    measured = np.unique(held_out.user_idx[held_out.user_idx != UNKNOWN])
    return Relevant(
        users=users,
        start=np.concatenate([[0], np.cumsum(n_known[users])]),
        items=(keys % n_items).astype(np.int32),
        n_relevant=(n_known + n_strange)[users],
        counts={
            "n_users": len(users),
            "n_users_without_relevant": len(measured) - len(users),
            "n_relevant": len(keys) + int(n_strange.sum()),
            "n_relevant_unknown_items": int(n_strange.sum()),
            "n_relevant_unknown_users": len(likes) - len(known),
            "n_relevant_already_rated": int(rated.sum()),
        },
    )


def rank(scorer: Scorer, train: Interactions, target: Relevant, k: int, observe: Observer = silent) -> dict[str, float]:
    """The metrics of the scorer's lists for the users in `target`, see `ranking_metrics`.

    Scores are made block by block of users, in threads, 16 MB at a time in each.

    Args:
        train: what is rated here is no candidate.
        k: length of the lists, at least 1.
    """
    n, places = len(target.users), min(k, len(train.items))
    best = np.empty((n, places), dtype=np.int32)
    hits = np.empty((n, places), dtype=bool)
    first = np.empty(n, dtype=np.int64)
    for rows, lists in _blocks(scorer, train.by_user(), target, places, len(train.items)):
        best[rows], hits[rows], first[rows] = lists
        observe(Scoring(rows.stop, n))
    return ranking_metrics(RankedLists(best, hits, first, target.n_relevant), target.users, train, k)


def _blocks(
    scorer: Scorer, seen: GroupedView, target: Relevant, places: int, n_items: int
) -> Iterator[tuple[slice, tuple[Array, Array, Array]]]:
    """For block after block of users: their best items (−1: none is left), which are relevant, and first ranks."""

    def rank_block(rows: slice) -> tuple[slice, tuple[Array, Array, Array]]:
        users, start = target.users[rows], target.start[rows.start : rows.stop + 1]
        items = target.items[start[0] : start[-1]]
        row_of = np.repeat(np.arange(len(users)), np.diff(start))
        scores = scorer.score_all(users)
        best, best_scores = masked_top_n(scores, places, left_out=seen.pairs(users))
        hits = np.isin(best + np.arange(len(users))[:, None] * n_items, row_of * n_items + items)
        best[best_scores == -np.inf] = UNKNOWN
        return rows, (best, hits, _first_rank(scores, row_of, items))

    n, block = len(target.users), max(1, SCORES // n_items)
    blocks = (slice(begin, min(begin + block, n)) for begin in range(0, n, block))
    return ordered_map(rank_block, blocks, n_threads=usable_cores(), ahead=2 * usable_cores())


def _first_rank(scores: Array, row_of: Array, items: Array) -> Array:
    """The rank of the best relevant item of each row among its candidates, from 1; 0 where there is none.

    Args:
        row_of, items: the relevant items as pairs, by row, and then rising.
    """
    rank = np.zeros(len(scores), dtype=np.int64)
    rows, start = np.unique(row_of, return_index=True)
    if not len(rows):
        return rank
    reached = scores[row_of, items]
    top = np.maximum.reduceat(reached, start)
    of_row = np.repeat(np.arange(len(rows)), np.diff(np.append(start, len(items))))
    item = np.minimum.reduceat(np.where(reached == top[of_row], items, scores.shape[1]), start)
    for place, row in enumerate(rows.tolist()):
        of_user = scores[row]
        above = np.count_nonzero(of_user > top[place])
        rank[row] = 1 + above + np.count_nonzero(of_user[: item[place]] == top[place])
    return rank


def _are_among(keys: Array, train: Interactions) -> Array:
    """Which of the keys user · n_items + item, which rise, are pairs that were rated in training."""
    among = np.zeros(len(keys), dtype=bool)
    if len(keys):
        for rows in chunks(len(train)):
            rated = train.user_idx[rows].astype(np.int64) * len(train.items) + train.item_idx[rows]
            at = np.searchsorted(keys, rated).clip(max=len(keys) - 1)
            among[at[keys[at] == rated]] = True
    return among
