"""Reads what a visitor has rated: a file of items and ratings, all of one person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.config.schema.data import Columns, Data
from recsys.core.errors import DataError
from recsys.core.events import Observer, silent
from recsys.core.types import Array
from recsys.data.ids import indices_of
from recsys.data.interactions import Interactions
from recsys.data.read import read_table
from recsys.data.sources.column_names import COMMON
from recsys.data.sources.csv.columns import by_common_name, position_of
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.table import Role
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.inference.new_entities import n_outside_scale, refuse_repeated


@dataclass(frozen=True, eq=False)
class SessionRatings:
    """What someone without training ratings has rated.

    Attributes:
        user_id: as in the file; None if it names no one.
        item_ids: as in the file, each once.
        ratings: of each, float32.
        n_unknown_items: how many of the items have no training ratings.
        n_outside_scale: how many of the ratings lie outside the scale of the training ratings.
    """

    user_id: str | None
    item_ids: list[str]
    ratings: Array
    n_unknown_items: int
    n_outside_scale: int


def read_session_ratings(bundle: Bundle, path: Path, observe: Observer = silent) -> SessionRatings:
    """Reads item and rating of each row, and the user where there is such a column.

    Raises:
        DataError: the file cannot be read, holds ratings of several users, or an item twice.
    """
    data, wanted = _columns(bundle.data, path)
    table = read_table(path, data, wanted, observe)
    assert table.item is not None
    assert table.rating is not None
    if table.user is not None and len(table.user.texts) > 1:
        raise DataError(
            f"the ratings are of {len(table.user.texts):,} users",
            where=str(path),
            expected="those of one visitor",
            hint=f"for many new users: recsys fold-in --ratings {path}",
        )
    nobody, items = Vocabulary(np.zeros(1, dtype=np.int64)), Vocabulary(table.item.texts)
    user_idx = np.zeros(table.n_rows, dtype=np.int32)
    ratings = Interactions(user_idx, table.item.codes, table.rating, None, nobody, items)
    refuse_repeated(ratings, path, data, wanted, observe)
    item_idx = indices_of(table.item.texts, bundle.items)[table.item.codes]
    return SessionRatings(
        user_id=None if table.user is None else str(table.user.texts[0]),
        item_ids=table.item.texts[table.item.codes].tolist(),
        ratings=table.rating,
        n_unknown_items=int(np.count_nonzero(item_idx == UNKNOWN)),
        n_outside_scale=n_outside_scale(bundle, table.rating),
    )


def _columns(asked: Data, path: Path) -> tuple[Data, frozenset[Role]]:
    """How to read the file, and which columns: it may lack that of the users."""
    dialect = find_dialect(path, asked)
    both: frozenset[Role] = frozenset({"item", "rating"})
    if dialect.header is None:
        if dialect.width > 2:
            return asked, both | {"user"}
        return _with(asked, Columns(item=1, rating=2)), both
    # Names are those of training; positions would be those of a file with users.
    names = {role: name for role, name in asked.columns.model_dump().items() if isinstance(name, str)}
    user = names.get("user")
    has_user = (user is not None and position_of(user, dialect.header, dialect.width) is not None) or (
        by_common_name(COMMON["user"], dialect.header) is not None
    )
    return _with(asked, Columns(**names)), both | {"user"} if has_user else both


def _with(data: Data, columns: Columns) -> Data:
    return data.model_copy(update={"columns": columns})
