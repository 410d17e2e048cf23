"""Rows of ranks → train, divided among them, and what is held out, with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from recsys.config.schema.split import Split
from recsys.core.collectives import add_up, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.types import Array, BoolArray, Counts
from recsys.data.chunks import chunks
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions, with_facts
from recsys.data.known import Known, VocabularyRemap
from recsys.data.parts import TRAIN
from recsys.data.prepared import Prepared
from recsys.data.ranks.division import DividedColumn, Division
from recsys.data.ranks.exchange import even_ranks, rows_of_users
from recsys.data.ranks.rows import RATING, RowsOfRank
from recsys.data.scale import Scale
from recsys.data.split import HELD_OUT, Splits, but_for, cut, refuse_empty_train, splits_of


@dataclass(frozen=True, eq=False)
class DividedSplits:
    """What `split` gives, train in divided columns.

    Attributes:
        by_user: the training rows by user, also divided; they are sorted when they are first read.
    """

    splits: Splits
    by_user: Prepared
    division: Division


def split_by_ranks(rows: RowsOfRank, how: Split, seed: int, communicator: Communicator) -> DividedSplits:
    """Divides the ratings as one process does.

    Raises:
        DataError: a part would be empty.
    """
    given = [np.full(len(columns[RATING]), HELD_OUT[name], np.int8) for name, columns in list(rows.parts.items())[1:]]
    part = cut(rows.train_rows(), but_for(rows.parts, how), seed, communicator)
    refuse_empty_train(np.concatenate([part, *given]), communicator)
    is_train = part == TRAIN
    users, items = (
        add_up(_count(idx, is_train, len(ids)), communicator)
        for idx, ids in zip(rows.train, (rows.users, rows.items), strict=False)
    )
    known = Known(VocabularyRemap(rows.users, users > 0), VocabularyRemap(rows.items, items > 0))
    own, held_out = list[Any](), list[Any]()
    for _ in range(RATING + 1):
        column, *of_files = (columns.pop(0) for columns in rows.parts.values())
        own.append(column[is_train])
        held_out.append(_of_all([column[~is_train], *of_files], communicator))
        del column, of_files
    rows.parts.clear()  # of times, which have decided
    others = Interactions(held_out[0], held_out[1], held_out[2], None, rows.users, rows.items)
    user_idx, item_idx = known.users.new_idx(own[0], is_own=True), known.items.new_idx(own[1], is_own=True)
    train = Interactions(user_idx, item_idx, own[2], None, known.users.vocabulary, known.items.vocabulary)
    division = Division(communicator)
    divided = _divided(train, division, users[users > 0], items[items > 0])
    splits = splits_of(divided, others, _of_all([part[~is_train], *given], communicator), known)
    return DividedSplits(splits, _by_user(divided, division), division)


def _of_all(parts: Sequence[Array], communicator: Communicator) -> Array:
    """The rows of all ranks, part by part."""
    return np.concatenate([own for part in parts for own in communicator.all_gather(part)])


def _divided(train: Interactions, division: Division, user_counts: Counts, item_counts: Counts) -> Interactions:
    """The training rows of all ranks, of which these are this rank's."""
    n_rows = number_of_each(len(train), division.communicator)
    first = np.cumsum([0, *n_rows])

    def column(own: Array) -> Any:
        return division.column(first, own.dtype, lambda: own)

    columns = column(train.user_idx), column(train.item_idx), column(train.rating)
    scale = Scale.of_chunks(int(first[-1]), columns[2].of_chunks)
    return with_facts(Interactions(*columns, None, train.users, train.items), user_counts, item_counts, scale)


def _by_user(train: Interactions, division: Division) -> Prepared:
    counts = train.user_counts
    rank_of_user, first = even_ranks(counts, division.communicator.size)

    @cache
    def own() -> Sequence[Array]:
        user_idx, *others = rows_of_users(own_columns(train), rank_of_user, division.communicator)
        of_users, sorted_columns = np.bincount(user_idx, minlength=len(counts)), list[Array]()
        while others:  # one after the other, whose memory is then free
            sorted_columns += columns_by(user_idx, of_users, [others.pop(0)])
        return sorted_columns

    def column(number: int, kind: type[np.generic]) -> Any:
        return division.column(first, np.dtype(kind), lambda: own()[number], own.cache_clear)

    return Prepared(column(0, np.int32), column(1, np.float32), None)


def _count(idx: Array, is_in: BoolArray, n: int) -> Counts:
    """How often each index occurs in the rows that are in, int64, shape (n,)."""
    counts = np.zeros(n, dtype=np.int64)
    for rows in chunks(len(idx)):
        counts += np.bincount(idx[rows][is_in[rows]], minlength=n)
    return counts


def is_divided(train: Interactions) -> bool:
    """Whether each rank has some of the rows."""
    return isinstance(train.rating, DividedColumn)


def own_columns(train: Interactions) -> list[Array]:
    """user_idx, item_idx and rating of this rank's rows, where they are divided."""
    columns: list[Any] = [train.user_idx, train.item_idx, train.rating]
    return [column.own for column in columns]
