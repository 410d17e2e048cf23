"""Ranks the unseen items of users, and finds which of the best ones are relevant.

The protocol: candidates are all items with training interactions that the user has none with; relevant are held-out
interactions, by the definitions of the task, all measured on the same lists; equal scores come by item index.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys.core.communicator import ALONE, Communicator, share_of
from recsys.core.events import Observer, Scoring, silent
from recsys.core.threads import one_blas_thread, ordered_map, usable_cores
from recsys.core.types import Array, BoolArray, Float32Array, Indices, Int64Array
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation.ranking_metrics import Judged, RankedLists
from recsys.evaluation.ranking_task import RankingTask, Relevance, Relevant
from recsys.scoring.protocols import Ranker
from recsys.scoring.top import masked_top_n

SCORES = 1 << 22  # at once in each thread: 16 MB


def rank(
    scorer: Ranker,
    seen: Interactions,
    task: RankingTask,
    k: int,
    observe: Observer = silent,
    communicator: Communicator = ALONE,
) -> RankedLists:
    """The best items of each user of the task, and which of them are relevant.

    Scores are made block by block of users, in threads, 16 MB at a time in each.

    Args:
        seen: items that the user has here are no candidates.
        k: length of the lists, at least 1; they are shorter where there are fewer items.
        observe: gets Scoring events.
        communicator: each rank scores a share of the users, and gets all lists.
    """
    share = share_of(len(task.users), communicator)
    n, places = share.stop - share.start, min(k, len(seen.items))
    best = np.empty((n, places), dtype=np.int32)
    judged = {
        name: Judged(np.empty((n, places), dtype=bool), np.empty(n, dtype=np.int64), relevant.n_relevant)
        for name, relevant in task.relevant.items()
    }
    with one_blas_thread():
        for rows, of_block, judged_block in _blocks(scorer, seen.by_user(), task, places, share):
            here = slice(rows.start - share.start, rows.stop - share.start)
            best[here] = of_block
            for name, (hits, first) in judged_block.items():
                judged[name].hits[here], judged[name].first[here] = hits, first
            observe(Scoring(here.stop, n))
    return RankedLists(
        np.concatenate(communicator.all_gather(best)),
        {
            name: Judged(
                np.concatenate(communicator.all_gather(each.hits)),
                np.concatenate(communicator.all_gather(each.first)),
                each.n_relevant,
            )
            for name, each in judged.items()
        },
    )


Block = tuple[slice, Indices, dict[Relevance, tuple[BoolArray, Int64Array]]]


def _blocks(scorer: Ranker, seen: GroupedView, task: RankingTask, places: int, share: slice) -> Iterator[Block]:
    """For block after block of users: their best items (−1: none is left); which are relevant, and first ranks."""
    n_items = len(task.candidates)
    allowed = None if task.candidates.all() else task.candidates

    def rank_block(rows: slice) -> Block:
        users = task.users[rows]
        scores = scorer.score_all(users)
        best, best_scores = masked_top_n(scores, places, allowed=allowed, left_out=seen.pairs(users))
        judged = {name: _judge(scores, best, relevant, rows) for name, relevant in task.relevant.items()}
        return rows, np.where(best_scores == -np.inf, UNKNOWN, best).astype(np.int32), judged

    block = max(1, SCORES // n_items)
    blocks = (slice(begin, min(begin + block, share.stop)) for begin in range(share.start, share.stop, block))
    return ordered_map(rank_block, blocks, n_threads=usable_cores(), ahead=2 * usable_cores())


def _judge(scores: Float32Array, best: Int64Array, relevant: Relevant, rows: slice) -> tuple[BoolArray, Int64Array]:
    """Which of the best items of some users are relevant, and the rank of the first relevant one."""
    n_items, start = scores.shape[1], relevant.start[rows.start : rows.stop + 1]
    items = relevant.items[start[0] : start[-1]]
    row_of = np.repeat(np.arange(len(scores)), np.diff(start))
    hits = np.isin(best + np.arange(len(scores))[:, None] * n_items, row_of * n_items + items)
    return hits, _first_rank(scores, row_of, items)


def _first_rank(scores: Array, row_of: Array, items: Array) -> Int64Array:
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
