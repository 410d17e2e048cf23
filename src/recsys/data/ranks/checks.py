"""Which rows that ranks have read count, and whether something can be learned from them."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from recsys.config.schema.data import Data, DuplicateRule
from recsys.core.collectives import add_up, is_so_on_any
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.data.chunks import count
from recsys.data.duplicates import repeated
from recsys.data.interactions import Interactions
from recsys.data.ranks.exchange import back_to_rows, even_ranks, rows_of_users
from recsys.data.ranks.rows import RATING, RowsOfRank
from recsys.data.read import check_learnable, check_rows
from recsys.data.scale import is_too_large
from recsys.data.sources.origin import name_of
from recsys.data.spilled_rows import REPEATS, UnsuitedError


def keep_usable(rows: RowsOfRank, data: Data, communicator: Communicator) -> None:
    """Leaves out what `read_ratings` does; all ranks call this.

    Raises:
        UnsuitedError: on all ranks, where rows have to be looked at as a whole.
    """
    if is_so_on_any(any(is_too_large(columns[RATING]) for columns in rows.parts.values()), communicator):
        raise UnsuitedError("a rating is too large")
    unrated = {part: np.isnan(columns[RATING]) for part, columns in rows.parts.items()}
    if is_so_on_any(any(is_unrated.any() for is_unrated in unrated.values()), communicator):
        if not data.drops_unrated:
            raise UnsuitedError("rows have no ratings")
        for part, is_unrated in unrated.items():
            rows.keep(part, ~is_unrated)
    _keep_unique(rows, data.duplicate_rule, communicator)
    _check_learnable(rows, data, communicator)


def _keep_unique(rows: RowsOfRank, rule: DuplicateRule, communicator: Communicator) -> None:
    """Leaves one row of each pair: its rows meet at the rank of their user, part by part.

    Raises:
        UnsuitedError: a pair is rated twice, and that is an error.
    """
    own = np.zeros(len(rows.users), dtype=np.int64)
    for user_idx, *_ in rows.parts.values():
        own += count(user_idx, len(rows.users))
    rank_of_user, _ = even_ranks(add_up(own, communicator), communicator.size)
    needed = (0, 1, RATING + 1) if rule == "newest" else (0, 1)
    arrived = [
        rows_of_users([columns[number] for number in needed], rank_of_user, communicator)
        for columns in rows.parts.values()
    ]
    user, item, *time = (
        column[0] if len(column) == 1 else np.concatenate(column) for column in zip(*arrived, strict=True)
    )
    double = repeated(user, item, len(rows.items))
    if not is_so_on_any(double is not None, communicator):
        return
    if rule == "error" or rule == "count":
        raise UnsuitedError(REPEATS)
    goes = np.zeros(len(user), dtype=bool)
    if double is not None:
        goes[double.superseded(rule, time[0] if time else None)] = True
    ends = list(accumulate(len(column[0]) for column in arrived))
    for (part, columns), of_part in zip(rows.parts.items(), np.split(goes, ends[:-1]), strict=True):
        rows.keep(part, ~back_to_rows(of_part, columns[0], rank_of_user, communicator))


def _check_learnable(rows: RowsOfRank, data: Data, communicator: Communicator) -> None:
    """Raises UnsuitedError where nothing could be learned, which reading all rows says in full."""
    columns = rows.train[: RATING + 1]
    ends = [(float(column.min()), float(column.max())) for column in columns if len(column)]
    of_ranks = np.concatenate(communicator.all_gather(np.array(ends).reshape(-1, len(columns), 2)))
    if not len(of_ranks):
        raise UnsuitedError("there are no rows")
    lows, highs = of_ranks[..., 0].min(axis=0), of_ranks[..., 1].max(axis=0)
    few: list[Any] = [np.array(pair).astype(column.dtype) for *pair, column in zip(lows, highs, columns, strict=True)]
    path = name_of(next(iter(data.named_files.values())))
    try:
        extremes = Interactions(few[0], few[1], few[2], None, rows.users, rows.items)
        check_rows(extremes, path, data)
        check_learnable(extremes, path, data)
    except DataError as error:
        raise UnsuitedError(error.what) from error
