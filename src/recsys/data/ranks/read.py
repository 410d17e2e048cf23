"""A file of ratings read by ranks: each parses a part, and none holds all rows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.config.schema.data import Data, DuplicateRule
from recsys.core.collectives import add_up, is_so_on_any, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer
from recsys.core.memory import give_back_memory
from recsys.core.same import COPY_FILES, check_same
from recsys.core.types import Array, BoolArray
from recsys.data.chunks import count
from recsys.data.duplicates import repeated
from recsys.data.gather import collect_part
from recsys.data.ids import has_scientific
from recsys.data.interactions import Interactions
from recsys.data.ranks.exchange import back_to_rows, even_ranks, levelled, rows_of_users
from recsys.data.ranks.ids import index_by_ranks
from recsys.data.read import check_learnable, check_rows
from recsys.data.scale import is_too_large
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import name_of
from recsys.data.sources.protocol import TIMES, ColumnRequest
from recsys.data.sources.table import EVERYTHING, Role, Table
from recsys.data.sources.times import in_seconds
from recsys.data.spilled_rows import REPEATS, UnsuitedError
from recsys.data.vocabulary import Vocabulary

RATING = 2  # which of the columns they are


@dataclass(frozen=True, eq=False)
class RowsOfRank:
    """The rows of one rank, which follow those of the ranks before it.

    Attributes:
        columns: user_idx, item_idx, rating and, where they are used, times; who splits them takes them out.
        users, items: of all rows.
        fingerprints, item_column: as of Dataset.
    """

    columns: list[Array]
    users: Vocabulary
    items: Vocabulary
    fingerprints: Mapping[str, str]
    item_column: str | None

    def ratings(self) -> Interactions:
        """The columns together."""
        user_idx, item_idx, rating, *times = self.columns
        return Interactions(user_idx, item_idx, rating, times[0] if times else None, self.users, self.items)


def read_by_ranks(data: Data, communicator: Communicator, observe: Observer, *, uses_times: bool) -> RowsOfRank:
    """Reads the one file, or table of several files, that the config names.

    Raises:
        UsageError: the ranks have different files.
        UnsuitedError: on all ranks, where some of it has to be looked at as a whole.
        DataError, ConfigError: as of `read_ratings`.
    """
    (origin,) = data.named_files.values()
    source = open_source(origin, data, observe)
    request = ColumnRequest(EVERYTHING, unread=frozenset() if uses_times else TIMES)
    names = source.layout(request).names
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(source.fingerprint)
        table = collect_part(source, request, communicator)
        fingerprints = {"ratings": digest.result()}
    check_same({"the sha256 of data.ratings": fingerprints["ratings"]}, communicator, hint=COPY_FILES)
    columns, users, items = _columns(table, names, communicator, uses_times=uses_times)
    del table
    n_read = number_of_each(len(columns[0]), communicator)
    if max(n_read) == sum(n_read) > 1:
        observe(Note(f"one rank reads {name_of(origin)}, which cannot be cut, and gives the others their rows"))
    rows = RowsOfRank(levelled(columns, communicator), users, items, fingerprints, names["item"])
    del columns
    give_back_memory()
    _check_sizes(rows, communicator)
    if data.drops_unrated:
        _keep(rows, ~np.isnan(rows.columns[RATING]))
    elif is_so_on_any(bool(np.isnan(rows.columns[RATING]).any()), communicator):
        raise UnsuitedError("rows have no ratings")
    _keep_unique(rows, data.duplicate_rule, communicator)
    _check_learnable(rows, data, communicator)
    give_back_memory()
    return rows


def _columns(
    table: Table, names: Mapping[Role, str | None], communicator: Communicator, *, uses_times: bool
) -> tuple[list[Array], Vocabulary, Vocabulary]:
    """Those of RowsOfRank, and the users and items of all ranks.

    Args:
        names: of the columns that the source has.
    """
    if "rating" not in names:
        raise UnsuitedError("rows have no ratings")
    others = [_or_none(table.rating, np.float32)]
    if uses_times:
        others.append(_times(table, communicator, is_column="timestamp" in names))
    user_idx, users = index_by_ranks(table.user, communicator)
    item_idx, items = index_by_ranks(table.item, communicator)
    if has_scientific(users) or has_scientific(items):
        raise UnsuitedError("ids are numbers in scientific notation")
    return [user_idx, item_idx, *others], users, items


def _times(table: Table, communicator: Communicator, *, is_column: bool) -> Array:
    """Those of the rows of this rank, in seconds."""
    if not is_column:
        raise UnsuitedError("rows have no times")
    are_wrong = False
    try:
        [table] = in_seconds([table], str, communicator)
    except DataError:
        are_wrong = True
    if is_so_on_any(are_wrong, communicator):
        raise UnsuitedError("a time is in another unit than the others")
    return _or_none(table.timestamp, np.float64)


def _or_none(column: Array | None, dtype: type[np.generic]) -> Array:
    """The column; no rows where the rank has read none."""
    return np.empty(0, dtype=dtype) if column is None else column


def _keep(rows: RowsOfRank, stays: BoolArray) -> None:
    """Leaves the other rows out."""
    for number, column in enumerate(rows.columns):
        rows.columns[number] = column[stays]


def _check_sizes(rows: RowsOfRank, communicator: Communicator) -> None:
    if is_so_on_any(is_too_large(rows.columns[RATING]), communicator):
        raise UnsuitedError("a rating is too large")


def _check_learnable(rows: RowsOfRank, data: Data, communicator: Communicator) -> None:
    """Raises UnsuitedError where nothing could be learned, which reading all rows says in full."""
    columns = rows.columns[: RATING + 1]
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


def _keep_unique(rows: RowsOfRank, rule: DuplicateRule, communicator: Communicator) -> None:
    """Leaves one row of each pair: its rows meet at the rank of their user.

    Raises:
        UnsuitedError: a pair is rated twice, and that is an error.
    """
    user_idx, item_idx, _, *times = rows.columns
    counts = add_up(count(user_idx, len(rows.users)), communicator)
    rank_of_user, _ = even_ranks(counts, communicator.size)
    sent = [user_idx, item_idx, *(times if rule == "newest" else [])]
    user, item, *time = rows_of_users(sent, rank_of_user, communicator)
    double = repeated(user, item, len(rows.items))
    if not is_so_on_any(double is not None, communicator):
        return
    if rule == "error" or rule == "count":
        raise UnsuitedError(REPEATS)
    goes = np.zeros(len(user), dtype=bool)
    if double is not None:
        goes[double.superseded(rule, time[0] if time else None)] = True
    _keep(rows, ~back_to_rows(goes, user_idx, rank_of_user, communicator))
