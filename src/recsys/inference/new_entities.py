"""Reads ratings of new users and items, each row with a side that the run knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsys.artifacts.bundle import Store
from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer, silent
from recsys.data.duplicates import repeated
from recsys.data.ids import indices_of
from recsys.data.interactions import Ratings
from recsys.data.read import peek, read_table
from recsys.data.sources.csv.reference_reader import lines_of
from recsys.data.sources.table import Coded, Role
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union

WANTED: frozenset[Role] = frozenset({"user", "item", "rating"})


@dataclass(frozen=True, eq=False)
class Newcomers:
    """Ratings of new users and items.

    Attributes:
        ratings: on the vocabularies of the run with the new ids among them, without times.
        is_new_user: whether a row's user is new, bool, shape (n,); where not, its item is.
    """

    ratings: Ratings
    is_new_user: np.ndarray[Any, Any]


def read_newcomers(store: Store, path: Path, observe: Observer = silent) -> Newcomers:
    """Reads a ratings file whose every row is of a new user and a known item, or of a new item and a known user.

    Raises:
        DataError: the file cannot be read, has other rows or a pair twice, or ids of another type than the run's.
    """
    table = read_table(path, store.data, WANTED, observe)
    assert table.user is not None
    assert table.item is not None
    assert table.rating is not None
    known_user = indices_of(table.user.texts, store.users)[table.user.codes] != UNKNOWN
    known_item = indices_of(table.item.texts, store.items)[table.item.codes] != UNKNOWN
    _refuse(store, path, known_user, known_item, observe)
    users, items = _with_new("user", table.user, store.users, path), _with_new("item", table.item, store.items, path)
    ratings = Ratings(
        user_idx=indices_of(table.user.texts, users)[table.user.codes],
        item_idx=indices_of(table.item.texts, items)[table.item.codes],
        rating=table.rating,
        timestamp=None,
        users=users,
        items=items,
    )
    refuse_repeated(ratings, path, store.data, WANTED, observe)
    return Newcomers(ratings, ~known_user)


def n_outside_scale(store: Store, rating: np.ndarray[Any, Any]) -> int:
    """Ratings outside the range of the training ratings: they may be on another scale."""
    low, high = (store.sealed.facts["scale"][end] for end in ("low", "high"))
    return int(np.count_nonzero((rating < low) | (rating > high)))


def refuse_repeated(ratings: Ratings, path: Path, data: Data, wanted: frozenset[Role], observe: Observer) -> None:
    """Raises DataError if the file rates an item twice for one user."""
    double = repeated(ratings.user_idx, ratings.item_idx, len(ratings.items))
    if double is None:
        return
    earlier, later = double.earliest()
    first, second = lines_of(peek(path, data, wanted, lenient=True).dialect, [earlier, later], observe)
    item = ratings.items.ids[ratings.item_idx[later]]
    extra = len(double.dropped(keep="first"))
    repeats = f"; {extra:,} rows repeat an earlier pair" if extra > 1 else ""
    raise DataError(
        f"item {item} was rated before by the same user, in line {first}{repeats}",
        where=f"{path}:{second}",
        expected="one rating for each user and item",
        hint="keep one row of each pair",
    )


def _refuse(
    store: Store, path: Path, known_user: np.ndarray[Any, Any], known_item: np.ndarray[Any, Any], observe: Observer
) -> None:
    """Raises DataError if there are rows that cannot be folded in."""
    n = len(known_user)
    errors = []
    for rows, what in (
        (np.flatnonzero(known_user & known_item), "both the user and the item have training ratings already"),
        (np.flatnonzero(~known_user & ~known_item), "neither the user nor the item has training ratings"),
    ):
        if len(rows):
            (line,) = lines_of(peek(path, store.data, WANTED, lenient=True).dialect, rows[:1].tolist(), observe)
            others = f", and {len(rows) - 1:,} more such rows of {n:,}" if len(rows) > 1 else ""
            errors.append((line, f"{what} in this row{others}"))
    if not errors:
        return
    hint = f"to train on them: recsys update --run {store.sealed.path.parent} --ratings {path}; or take them out"
    expected = "in each row one side that is new, and the other known"
    first, *more = [DataError(what, where=f"{path}:{line}", expected=expected, hint=hint) for line, what in errors]
    first.more = tuple(more)
    raise first


def _with_new(role: str, column: Coded, known: Vocabulary, path: Path) -> Vocabulary:
    """The known ids, and those of the column that are not among them."""
    new = column.texts[indices_of(column.texts, known) == UNKNOWN]
    ids = [known.parse(text) for text in new.tolist()]
    if None in ids:
        raise DataError(
            f"{role} {new[ids.index(None)]!r} cannot be an id here",
            where=str(path),
            expected=f"whole numbers, as the {role} ids of the run are",
            hint="a run trained on ids that are texts takes any",
        )
    return union(known, Vocabulary(new if known.id_type is str else np.array(ids, dtype=np.int64)))
