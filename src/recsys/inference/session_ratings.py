"""Reads what a visitor has rated: a file of items and ratings, all of one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import DataError
from recsys.core.events import Observer, silent
from recsys.core.types import Array
from recsys.core.words import shell_word
from recsys.data.ids import indices_of
from recsys.data.interactions import Interactions
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import Role
from recsys.data.vocabulary import UNKNOWN, Vocabulary, only_counted
from recsys.inference.new_entities import unique_interactions
from recsys.inference.rating_scale import refuse_outside_scale

ROLES: frozenset[Role] = frozenset({"user", "item", "rating"})


@dataclass(frozen=True, eq=False)
class SessionRatings:
    """What someone without training ratings has rated.

    Attributes:
        user_id: as in the file; None if it names no one.
        item_ids: as in the file, each once.
        ratings: of each, float32; NaN where there is none.
        n_unknown_items: how many of the items have no training ratings.
    """

    user_id: str | None
    item_ids: list[str]
    ratings: Array
    n_unknown_items: int


def read_session_ratings(bundle: Bundle, origin: Origin, observe: Observer = silent) -> SessionRatings:
    """Reads item and rating of each row, and the user where there is such a column.

    A run that ranks by interactions needs no ratings here.

    Raises:
        DataError: the file cannot be read, holds ratings of several users or two of one item, or a rating lies outside
            the scale of the training ratings.
    """
    source = open_source(origin, bundle.data, observe)
    optional: frozenset[Role] = frozenset({"user", "rating"}) if "ranking" in bundle.scorers else frozenset({"user"})
    table = read_table(source, ColumnRequest(ROLES, optional, as_trained=True))
    assert table.item is not None
    rating = np.full(table.n_rows, np.nan, np.float32) if table.rating is None else table.rating
    if table.user is not None and len(table.user.texts) > 1:
        raise DataError(
            f"the ratings are of {len(table.user.texts):,} users",
            where=str(name_of(origin)),
            expected="those of one visitor",
            hint=f"for many new users: recsys fold-in --ratings {shell_word(str(name_of(origin)))}",
        )
    nobody, items = Vocabulary(np.zeros(1, dtype=np.int64)), Vocabulary(table.item.texts)
    user_idx = np.zeros(table.n_rows, dtype=np.int32)
    refuse_outside_scale(bundle, rating, source.locate)
    rows = Interactions(user_idx, table.item.codes, rating, None, nobody, items)
    ratings = unique_interactions(rows, source, bundle.data)
    known = only_counted(indices_of(table.item.texts, bundle.items), bundle.counts["ranking"].items)
    return SessionRatings(
        user_id=None if table.user is None else str(table.user.texts[0]),
        item_ids=table.item.texts[ratings.item_idx].tolist(),
        ratings=ratings.rating,
        n_unknown_items=int(np.count_nonzero(known[ratings.item_idx] == UNKNOWN)),
    )
