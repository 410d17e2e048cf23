"""The lists of all users, in a file, in bounded memory; in shares, and resumed after an interruption."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.directory import SERVING_JSON
from recsys.artifacts.growing import growing_output, resumable_output
from recsys.core.events import Note, Observer, Scoring
from recsys.core.files import sha256
from recsys.core.threads import one_blas_thread, ordered_map, usable_cores
from recsys.core.types import Array, BoolArray
from recsys.core.words import counted
from recsys.inference.arrow import ArrowArray, Columns, column, csv_header, csv_rows, missing, taken
from recsys.inference.candidates import ItemFilter, RatedPairs
from recsys.inference.ranked import By, predicted_ratings
from recsys.scoring.tiles import best_items, users_at_once
from recsys.version import __version__

if TYPE_CHECKING:
    from pydantic import JsonValue

THREADS = usable_cores()
LIST_COLUMNS = ("user_id", "rank", "item_id", "rating", "score")
DONE = "n_users_done"
LISTED = ("n_users", "n_recommendations", "n_users_with_fewer")


@dataclass(frozen=True)
class ListsOfAll:
    """The lists of all users that a command writes.

    Attributes:
        by: the scorer that ranks.
        n: items in a list.
        include_held_out: whether lists may hold what is held out.
        shard: k and K, for the k-th of K shares of the users.
        escape_formulas: as of `csv_rows`.
    """

    by: By
    n: int
    filters: ItemFilter
    include_held_out: bool = False
    shard: tuple[int, int] = (1, 1)
    escape_formulas: bool = False

    def users(self, n_users: int) -> range:
        """The indices of the users of the shard, one after the other, as many in each as in any other or one more."""
        number, n_shards = self.shard
        return range((number - 1) * n_users // n_shards, number * n_users // n_shards)

    def job(self, bundle: Bundle, allowed: BoolArray) -> dict[str, JsonValue]:
        """All that the lists depend on, by names for people."""
        return {
            "the run": bundle.manifest.run,
            "its serving.json": sha256(bundle.path / SERVING_JSON),
            "recsys": __version__,
            "--by": self.by,
            "-n": self.n,
            "the set of items that pass the filters": hashlib.sha256(np.packbits(allowed).tobytes()).hexdigest(),
            "--include-held-out": self.include_held_out,
            "--shard": "/".join(map(str, self.shard)),
            "--escape-formulas": self.escape_formulas,
        }


@one_blas_thread()
def recommend_all(
    bundle: Bundle, lists: ListsOfAll, output: Path, observe: Observer, *, resume: bool = False
) -> dict[str, int]:
    """Writes user_id, rank, item_id, rating, score of the n best unseen items of every user with training ratings.

    Where the run predicts no ratings, that column is empty.

    Args:
        resume: keep what is written beside the output after an interruption, and go on from it.
    Returns:
        The counts.

    Raises:
        UsageError: a condition makes no sense, or is on a column that the items do not have; the output was begun by
            another command, or cannot be resumed.
        RunError: the output cannot be written.
    """
    allowed, users = lists.filters.allowed(bundle, lists.by), lists.users(bundle.manifest.n_users)
    rated = RatedPairs.of(bundle, held_out=not lists.include_held_out)
    listed = _ListedRows(bundle, lists)
    sink = resumable_output(output, lists.job(bundle, allowed)) if resume else growing_output(output)
    with sink as growing:
        if not growing.progress:
            growing.append(csv_header(LIST_COLUMNS), dict.fromkeys((DONE, *LISTED), 0))
        counts = growing.progress
        if counts[DONE]:
            observe(Note(f"going on after {counts[DONE]:,} of {counted(len(users), 'user')}, which are done already"))
        left = range(users.start + counts[DONE], users.stop)
        for begin, best, scores in best_of_all(bundle, lists.by, allowed, rated, lists.n, left):
            columns, of_block = listed.of_block(begin, best, scores, left)
            counts = {name: counts[name] + of_block[name] for name in counts}
            growing.append(csv_rows(columns, escape_formulas=lists.escape_formulas), counts)
            observe(Scoring(counts[DONE], len(users)))
    return {name: counts[name] for name in LISTED}


def best_of_all(
    bundle: Bundle, by: By, allowed: BoolArray, rated: RatedPairs, n: int, users: range
) -> Iterator[tuple[int, Array, Array]]:
    """For block after block of users: the first of them, their best items, and the scores of those.

    Blocks are the same whatever users are asked for, since the last bits of a product may depend on how many rows it
    has: the first and the last block can hold others.

    Args:
        by: the scorer that ranks.
        allowed: items that may be recommended to anyone, bool, shape (n_items,).
        rated: what is not recommended to the user of each pair.
        users: some that follow each other.
    """
    n_users, scorer = bundle.manifest.n_users, bundle.scorer(by)
    block = users_at_once(len(bundle.items))

    def best_of(begin: int) -> tuple[int, Array, Array]:
        some = np.arange(begin, min(begin + block, n_users), dtype=np.int32)
        return begin, *best_items(scorer, some, n, allowed=allowed, left_out=rated.pairs(some))

    begins = range(users.start // block * block, users.stop if users else users.start, block)
    return ordered_map(best_of, begins, n_threads=THREADS, ahead=4 * THREADS)


@dataclass(frozen=True, eq=False)
class _ListedRows:
    """The rows of the lists of some users, and what is counted of them."""

    bundle: Bundle
    lists: ListsOfAll

    def of_block(self, begin: int, best: Array, scores: Array, wanted: range) -> tuple[Columns, dict[str, int]]:
        """The rows of the wanted users among those from `begin` on, whose best items these are."""
        bundle, by = self.bundle, self.lists.by
        users = np.repeat(np.arange(begin, begin + len(best), dtype=np.int32), best.shape[1])
        rank = np.tile(np.arange(1, best.shape[1] + 1), len(best))
        item_idx, score = best.ravel(), scores.ravel()
        is_listed = np.isfinite(score) & self._is_known[users]
        ratings = predicted_ratings(bundle, by, users[is_listed], item_idx[is_listed], score[is_listed])
        own = range(max(begin, wanted.start), min(begin + len(best), wanted.stop))
        is_own = (users[is_listed] >= own.start) & (users[is_listed] < own.stop)
        left = np.flatnonzero(is_listed)[is_own]
        n_listed = np.bincount(users[left] - own.start, minlength=len(own))
        is_known = self._is_known[own.start : own.stop]
        return {
            "user_id": taken(self._user_ids, users[left]),
            "rank": rank[left],
            "item_id": taken(self._item_ids, item_idx[left]),
            "rating": missing(len(left)) if ratings is None else ratings[is_own],
            "score": score[left],
        }, {
            DONE: len(own),
            "n_users": int(np.count_nonzero(is_known)),
            "n_recommendations": len(left),
            "n_users_with_fewer": int(np.count_nonzero(is_known & (n_listed < self.lists.n))),
        }

    @cached_property
    def _is_known(self) -> BoolArray:
        return self.bundle.counts[self.lists.by].users > 0

    @cached_property
    def _user_ids(self) -> ArrowArray:
        return column(self.bundle.users.ids)

    @cached_property
    def _item_ids(self) -> ArrowArray:
        return column(self.bundle.items.ids)
