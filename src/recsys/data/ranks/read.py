"""Files of ratings read by ranks: each parses a part of each, and none holds all rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.collectives import is_so_on_any, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer
from recsys.core.memory import give_back_memory
from recsys.core.same import COPY_FILES, check_same
from recsys.core.types import Array
from recsys.data.fingerprints import fingerprints_beside
from recsys.data.gather import collect_part
from recsys.data.ids import has_scientific
from recsys.data.ranks.checks import keep_usable
from recsys.data.ranks.exchange import levelled
from recsys.data.ranks.ids import index_by_ranks
from recsys.data.ranks.rows import PartColumns, RowsOfRank
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import name_of
from recsys.data.sources.protocol import TIMES, ColumnRequest
from recsys.data.sources.table import EVERYTHING, Coded, Table, as_texts
from recsys.data.sources.times import in_seconds
from recsys.data.spilled_rows import UnsuitedError
from recsys.data.vocabulary import Vocabulary


def read_by_ranks(data: Data, communicator: Communicator, observe: Observer, *, uses_times: bool) -> RowsOfRank:
    """Reads the files that the config names.

    Raises:
        UsageError: the ranks have different files.
        UnsuitedError: on all ranks, where some of it has to be looked at as a whole.
        DataError, ConfigError: as of `read_ratings`.
    """
    origins = data.named_files
    sources = [open_source(origin, data, observe) for origin in origins.values()]
    request = ColumnRequest(EVERYTHING, unread=frozenset() if uses_times else TIMES)
    names = [source.layout(request).names for source in sources]
    keys = ["ratings"] if data.train is None else list(origins)
    with fingerprints_beside(list(origins.values()), sources, communicator) as taken:
        tables = [collect_part(source, request, communicator) for source in sources]
        fingerprints = dict(zip(keys, taken(), strict=True))
    check_same({f"the sha256 of data.{key}": fingerprints[key] for key in keys}, communicator, hint=COPY_FILES)
    if any("rating" not in of_file for of_file in names):
        raise UnsuitedError("rows have no ratings")
    if uses_times:
        if any("timestamp" not in of_file for of_file in names):
            raise UnsuitedError("rows have no times")
        tables = _in_seconds(tables, communicator)
    columns, users, items = _indexed(tables, communicator, uses_times=uses_times)
    del tables
    parts: PartColumns = {}
    for part, origin in origins.items():
        n_read = number_of_each(len(columns[0][0]), communicator)
        if max(n_read) == sum(n_read) > 1:
            observe(Note(f"one rank reads {name_of(origin)}, which cannot be cut, and gives the others their rows"))
        parts[part] = levelled(columns.pop(0), communicator)
    rows = RowsOfRank(parts, users, items, fingerprints, names[0]["item"])
    give_back_memory()
    keep_usable(rows, data, communicator)
    give_back_memory()
    return rows


def _in_seconds(tables: Sequence[Table], communicator: Communicator) -> list[Table]:
    are_wrong = False
    try:
        tables = in_seconds(tables, str, communicator)
    except DataError:
        are_wrong = True
    if is_so_on_any(are_wrong, communicator):
        raise UnsuitedError("a time cannot be right")
    return list(tables)


def _indexed(
    tables: Sequence[Table], communicator: Communicator, *, uses_times: bool
) -> tuple[list[list[Array]], Vocabulary, Vocabulary]:
    """The columns of each table of this rank, and the users and items of all ranks."""
    user_idx, users = index_by_ranks([_or_no_ids(table.user) for table in tables], communicator)
    item_idx, items = index_by_ranks([_or_no_ids(table.item) for table in tables], communicator)
    if has_scientific(users) or has_scientific(items):
        raise UnsuitedError("ids are numbers in scientific notation")
    columns = list[list[Array]]()
    for *idx, table in zip(user_idx, item_idx, tables, strict=True):
        columns.append([*idx, _or_no_rows(table.rating, np.float32)])
        if uses_times:
            columns[-1].append(_or_no_rows(table.timestamp, np.float64))
    return columns, users, items


def _or_no_ids(ids: Coded | None) -> Coded:
    """The column; no rows where this rank has read none."""
    return Coded(np.empty(0, dtype=np.int32), as_texts([])) if ids is None else ids


def _or_no_rows(column: Array | None, dtype: type[np.generic]) -> Array:
    return np.empty(0, dtype=dtype) if column is None else column
