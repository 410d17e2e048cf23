"""Reads ratings of new users and items, each row with a side that the run knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer, silent
from recsys.core.types import Array
from recsys.core.words import counted, shell_command
from recsys.data.duplicates import repeated
from recsys.data.features.kind import Role as FeatureRole
from recsys.data.id_types import wrong_id_type
from recsys.data.ids import indices_of
from recsys.data.interactions import Interactions
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import ColumnRequest, Source, beside
from recsys.data.sources.table import Coded, Role
from recsys.data.unique_pairs import SourceRows, unique_pairs, usable_rows
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union

WANTED: frozenset[Role] = frozenset({"user", "item", "rating"})


@dataclass(frozen=True, eq=False)
class NewEntities:
    """Ratings of new users and items.

    Attributes:
        ratings: on the vocabularies of the run with the new ids among them, without times.
        is_new_user: whether a row's user is new, bool, shape (n,); where not, its item is.
    """

    ratings: Interactions
    is_new_user: Array


def read_new_entities(bundle: Bundle, origin: Origin, observe: Observer = silent) -> NewEntities:
    """Reads a ratings file whose every row is of a new user and a known item, or of a new item and a known user.

    Raises:
        DataError: the file cannot be read, has other rows or a pair twice, or ids of another type than the run's.
    """
    source, path = open_source(origin, bundle.data, observe), name_of(origin)
    table = read_table(source, ColumnRequest(WANTED, as_trained=True))
    assert table.user is not None
    assert table.item is not None
    known_user = indices_of(table.user.texts, bundle.users)[table.user.codes] != UNKNOWN
    known_item = indices_of(table.item.texts, bundle.items)[table.item.codes] != UNKNOWN
    _refuse(bundle, path, source, known_user, known_item)
    users, items = (
        _with_new("user", table.user, bundle.users, source),
        _with_new("item", table.item, bundle.items, source),
    )
    rating = np.full(table.n_rows, np.nan, dtype=np.float32) if table.rating is None else table.rating
    user_idx = indices_of(table.user.texts, users)[table.user.codes]
    item_idx = indices_of(table.item.texts, items)[table.item.codes]
    ratings = unique_interactions(Interactions(user_idx, item_idx, rating, None, users, items), source, bundle.data)
    return NewEntities(ratings, bundle.users.index(users.ids)[ratings.user_idx] == UNKNOWN)


def no_new_entities(bundle: Bundle) -> NewEntities:
    """Ratings of no one."""
    none = np.empty(0, np.int32)
    ratings = Interactions(none, none, np.empty(0, np.float32), None, bundle.users, bundle.items)
    return NewEntities(ratings, np.empty(0, dtype=bool))


def unique_interactions(ratings: Interactions, source: Source, data: Data) -> Interactions:
    """One row of each pair, with its rating, or with what its events add up to.

    Raises:
        DataError: a pair is rated twice, or a count is not above 0.
    """
    rows = usable_rows(SourceRows.of(ratings, ["train"], [source], [len(ratings)]), data)
    if data.has_ratings:
        _refuse_rated_twice(rows)
    return unique_pairs(rows, data).ratings


def _refuse_rated_twice(rows: SourceRows) -> None:
    """Raises DataError if an item is rated twice by one user."""
    ratings = rows.ratings
    double = repeated(ratings.user_idx, ratings.item_idx, len(ratings.items))
    if double is None or (rated := double.only(ratings.has_rating[double.rows])).is_empty:
        return
    earlier, later = rated.earliest()
    first, second = rows.locate(earlier), rows.locate(later)
    item = ratings.items.ids[ratings.item_idx[later]]
    extra = len(rated.dropped(keep="first"))
    repeats = f"; {extra:,} rows repeat an earlier pair" if extra > 1 else ""
    raise DataError(
        f"item {item} was rated before by the same user, in {beside(first, second)}{repeats}",
        where=second,
        expected="one rating for each user and item",
        hint="keep one row of each pair",
    )


def _refuse(bundle: Bundle, path: Path, source: Source, known_user: Array, known_item: Array) -> None:
    """Raises DataError if there are rows that cannot be folded in."""
    n = len(known_user)
    errors = []
    for rows, what in (
        (np.flatnonzero(known_user & known_item), "both the user and the item have training ratings already"),
        (np.flatnonzero(~known_user & ~known_item), "neither the user nor the item has training ratings"),
    ):
        if len(rows):
            others = f", and {counted(len(rows) - 1, 'more such row')} of {n:,}" if len(rows) > 1 else ""
            errors.append((source.locate(int(rows[0])), f"{what} in this row{others}"))
    if not errors:
        return
    update = shell_command(["recsys", "update", "--run", str(bundle.run_folder), "--ratings", str(path)])
    hint = f"to train on them: {update}; or take them out"
    expected = "in each row one side that is new, and the other known"
    first, *more = [DataError(what, where=place, expected=expected, hint=hint) for place, what in errors]
    first.more = tuple(more)
    raise first


def _with_new(role: FeatureRole, column: Coded, known: Vocabulary, source: Source) -> Vocabulary:
    """The known ids, and those of the column that are not among them."""
    new = np.flatnonzero(indices_of(column.texts, known) == UNKNOWN)
    ids = [known.parse(text) for text in column.texts[new].tolist()]
    if None in ids:
        odd = new[[raw_id is None for raw_id in ids]]
        row = int(np.flatnonzero(np.isin(column.codes, odd))[0])
        text = str(column.texts[column.codes[row]])
        raise wrong_id_type(text, known, role, source.locate(row), "a run trained on ids that are texts takes any")
    return union(known, Vocabulary(column.texts[new] if known.id_type is str else np.array(ids, dtype=np.int64)))
