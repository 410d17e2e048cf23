"""A file of ratings read by ranks: each parses a part, and none holds all rows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.collectives import add_up, is_so_on_any, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer
from recsys.core.memory import give_back_memory
from recsys.core.same import COPY_FILES, check_same
from recsys.core.types import Array, Floats
from recsys.data.chunks import count
from recsys.data.duplicates import repeated
from recsys.data.gather import collect_part
from recsys.data.ids import has_scientific
from recsys.data.interactions import Interactions
from recsys.data.ranks.exchange import even_ranks, levelled, rows_of_users
from recsys.data.ranks.ids import index_by_ranks
from recsys.data.read import check_learnable, check_rows
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import name_of
from recsys.data.sources.protocol import TIMES, ColumnRequest
from recsys.data.sources.table import EVERYTHING
from recsys.data.spilled_rows import REPEATS, UnsuitedError
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class RowsOfRank:
    """The rows of one rank, which follow those of the ranks before it.

    Attributes:
        columns: user_idx, item_idx and rating; who splits them takes them out.
        users, items: of all rows.
        first: how many rows the ranks before it have.
        n_rows: of all ranks.
        fingerprints, item_column: as of Dataset.
    """

    columns: list[Array]
    users: Vocabulary
    items: Vocabulary
    first: int
    n_rows: int
    fingerprints: Mapping[str, str]
    item_column: str | None


def read_by_ranks(data: Data, communicator: Communicator, observe: Observer) -> RowsOfRank:
    """Reads user, item and rating of the one file, or table of several files, that the config names.

    Raises:
        UsageError: the ranks have different files.
        UnsuitedError: on all ranks, where some of it has to be looked at as a whole.
        DataError, ConfigError: as of `read_ratings`.
    """
    (origin,) = data.named_files.values()
    source, request = open_source(origin, data, observe), ColumnRequest(EVERYTHING, unread=TIMES)
    names = source.layout(request).names
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(source.fingerprint)
        table = collect_part(source, request, communicator)
        fingerprints = {"ratings": digest.result()}
    check_same({"the sha256 of data.ratings": fingerprints["ratings"]}, communicator, hint=COPY_FILES)
    rating = np.empty(0, dtype=np.float32) if table.rating is None else table.rating
    _check_ratings(rating, communicator, is_column="rating" in names)
    user_idx, users = index_by_ranks(table.user, communicator)
    item_idx, items = index_by_ranks(table.item, communicator)
    del table
    if has_scientific(users) or has_scientific(items):
        raise UnsuitedError("ids are numbers in scientific notation")
    n_read = number_of_each(len(rating), communicator)
    if max(n_read) == sum(n_read) > 1:
        observe(Note(f"one rank reads {name_of(origin)}, which cannot be cut, and gives the others their rows"))
    columns = levelled([user_idx, item_idx, rating], communicator)
    n_rows = number_of_each(len(columns[2]), communicator)
    first = sum(n_rows[: communicator.rank])
    rows = RowsOfRank(columns, users, items, first, sum(n_rows), fingerprints, names["item"])
    del user_idx, item_idx, rating, columns
    give_back_memory()
    _check_learnable(rows, data, communicator)
    _check_unique(rows, communicator)
    give_back_memory()
    return rows


def _check_ratings(rating: Floats, communicator: Communicator, *, is_column: bool) -> None:
    if not is_column or is_so_on_any(bool(np.isnan(rating).any()), communicator):
        raise UnsuitedError("rows have no ratings")


def _check_learnable(rows: RowsOfRank, data: Data, communicator: Communicator) -> None:
    """Raises UnsuitedError where nothing could be learned, which reading all rows says in full."""
    ends = [(float(column.min()), float(column.max())) for column in rows.columns if len(column)]
    of_ranks = np.concatenate(communicator.all_gather(np.array(ends).reshape(-1, 3, 2)))
    if not len(of_ranks):
        raise UnsuitedError("there are no rows")
    lows, highs = of_ranks[..., 0].min(axis=0), of_ranks[..., 1].max(axis=0)
    few: list[Any] = [
        np.array(pair).astype(column.dtype) for *pair, column in zip(lows, highs, rows.columns, strict=True)
    ]
    path = name_of(next(iter(data.named_files.values())))
    try:
        extremes = Interactions(few[0], few[1], few[2], None, rows.users, rows.items)
        check_rows(extremes, path, data)
        check_learnable(extremes, path, data)
    except DataError as error:
        raise UnsuitedError(error.what) from error


def _check_unique(rows: RowsOfRank, communicator: Communicator) -> None:
    """Raises UnsuitedError where a pair occurs twice: its rows meet at the rank of their user."""
    user_idx, item_idx, _ = rows.columns
    counts = add_up(count(user_idx, len(rows.users)), communicator)
    rank_of_user, _ = even_ranks(counts, communicator.size)
    user_idx, item_idx = rows_of_users([user_idx, item_idx], rank_of_user, communicator)
    if is_so_on_any(repeated(user_idx, item_idx, len(rows.items)) is not None, communicator):
        raise UnsuitedError(REPEATS)
