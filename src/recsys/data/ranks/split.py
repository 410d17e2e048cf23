"""Rows of ranks → train, divided among them, and what is held out, with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from recsys.config.schema.split import Split
from recsys.core.collectives import add_up
from recsys.core.communicator import Communicator
from recsys.core.types import Array, Counts
from recsys.data.chunks import count
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions
from recsys.data.known import Known
from recsys.data.parts import TRAIN
from recsys.data.prepared import Prepared
from recsys.data.ranks.division import DividedColumn, Division
from recsys.data.ranks.exchange import even_ranks, rows_of_users
from recsys.data.ranks.read import RowsOfRank
from recsys.data.scale import Scale
from recsys.data.split import Splits, assign_rows, splits_of


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
    own, part = rows.ratings, assign_rows(rows.n_rows, None, how, seed)
    is_train = part[rows.first : rows.first + len(own)] == TRAIN
    others = _gathered(own.take(~is_train), communicator)
    users, items = (
        add_up(count(idx[is_train], len(ids)), communicator)
        for idx, ids in ((own.user_idx, own.users), (own.item_idx, own.items))
    )
    known = Known.of(own, users > 0, items > 0)
    train, division = known.take(own, is_train), Division(communicator)
    divided = _divided(train, division, users[users > 0], items[items > 0])
    splits = splits_of(divided, others, part[part != TRAIN], known)
    return DividedSplits(splits, _by_user(divided, division), division)


def _divided(train: Interactions, division: Division, user_counts: Counts, item_counts: Counts) -> Interactions:
    """The training rows of all ranks, of which these are this rank's."""
    n_rows = [int(n[0]) for n in division.communicator.all_gather(np.array([len(train)]))]
    first = np.cumsum([0, *n_rows])

    def column(own: Array) -> Any:
        return division.column(first, own.dtype, lambda: own)

    columns = column(train.user_idx), column(train.item_idx), column(train.rating)
    scale = Scale.of_chunks(int(first[-1]), columns[2].of_chunks)
    return Interactions(*columns, None, train.users, train.items).with_facts(user_counts, item_counts, scale)


def _gathered(rows: Interactions, communicator: Communicator) -> Interactions:
    """The rows of all ranks."""
    user_idx, item_idx, rating = (
        np.concatenate(communicator.all_gather(column)) for column in (rows.user_idx, rows.item_idx, rows.rating)
    )
    return Interactions(user_idx, item_idx, rating, None, rows.users, rows.items)


def _by_user(train: Interactions, division: Division) -> Prepared:
    counts = train.user_counts
    rank_of_user, first = even_ranks(counts, division.communicator.size)

    @cache
    def own() -> Sequence[Array]:
        columns = own_columns(train)
        user_idx, item_idx, rating = rows_of_users(columns, rank_of_user, division.communicator)
        return columns_by(user_idx, np.bincount(user_idx, minlength=len(counts)), [item_idx, rating])

    def column(number: int) -> Callable[[], Array]:
        return lambda: own()[number]

    item: Any = division.column(first, np.dtype(np.int32), column(0), own.cache_clear)
    rating: Any = division.column(first, np.dtype(np.float32), column(1), own.cache_clear)
    return Prepared(item, rating, None)


def is_divided(train: Interactions) -> bool:
    """Whether each rank has some of the rows."""
    return isinstance(train.rating, DividedColumn)


def own_columns(train: Interactions) -> list[Array]:
    """user_idx, item_idx and rating of this rank's rows, where they are divided."""
    columns: list[Any] = [train.user_idx, train.item_idx, train.rating]
    return [column.own for column in columns]
