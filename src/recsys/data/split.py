"""All ratings → train, valid and test, on the vocabulary of train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from recsys.config.schema.split import Split
from recsys.core.errors import DataError
from recsys.core.seeding import rng
from recsys.core.types import Array, BoolArray, Indices
from recsys.data.chunks import count
from recsys.data.interactions import Dataset, Interactions
from recsys.data.parts import TEST, TRAIN, VALID, PartOfRow, draw_parts
from recsys.data.sources.table import remap
from recsys.data.split_new import hold_out_new
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union


@dataclass(frozen=True, eq=False)
class Splits:
    """The ratings that a run trains on, chooses by and is measured on. All parts share the vocabularies of train.

    Attributes:
        unknown: those of valid and test whose user or item train does not have, on vocabularies of their own: a run
            that goes on from this one may know them.
        unknown_part: VALID or TEST for each of these; None where it is not known.
    """

    train: Interactions
    valid: Interactions | None
    test: Interactions | None
    unknown: Interactions | None = None
    unknown_part: PartOfRow | None = None


BY_USER = ("user_random", "user_time", "leave_last")
"""Methods that leave each user a row in train."""


def split(dataset: Dataset, how: Split, seed: int, also: tuple[Vocabulary, Vocabulary] | None = None) -> Splits:
    """Divides the ratings. A user or item without training ratings becomes unknown (−1) in valid and test.

    random draws rows; user_random draws rows of each user; time takes the latest rows of all; user_time the latest rows
    of each user; leave_last each user's last row (test) and the one before it (valid). Those that go by user leave each
    a row in train. new_items and new_users hold out items and users whole, see `hold_out_new`. fold draws test as one
    of n_folds parts, which share no row, and valid from the others. Equal times keep the order of the file. Files that
    were split already stay as they are; without a valid file, valid is cut from train.

    Args:
        also: users and items that are known from elsewhere, of the dataset's id types.
    Raises:
        DataError: a split by time without times, or a part that would be empty.
    """
    part = assign(dataset, how, seed)
    ratings, rows_of_train = dataset.ratings, rows_of(part == TRAIN)
    train_user_idx, train_item_idx = ratings.user_idx[rows_of_train], ratings.item_idx[rows_of_train]
    if not len(train_user_idx):
        raise DataError(
            f"no training ratings are left of {len(part)}",
            expected="at least one rating to train on",
            hint="lower split.valid_fraction and split.test_fraction",
        )
    users_also, items_also = also or (None, None)
    users = VocabularyRemap(ratings.users, train_user_idx, users_also)
    items = VocabularyRemap(ratings.items, train_item_idx, items_also)
    del train_user_idx, train_item_idx
    unknown, is_unknown = _unknown(ratings.take(rows_of(part != TRAIN)), users, items)
    held_out = [rows_of(part == code) for code in (VALID, TEST)]
    valid, test = (_on_known(ratings, rows, users, items) for rows in held_out)
    return Splits(
        train=_on_known(ratings, rows_of_train, users, items),
        valid=valid if len(valid) else None,
        test=test if len(test) else None,
        unknown=unknown,
        unknown_part=None if unknown is None else part[part != TRAIN][is_unknown],
    )


def rows_of(is_in: BoolArray) -> slice | Array:
    """What takes the rows of a mask: a slice, of which columns are views, where they follow each other."""
    first, n = int(np.argmax(is_in)), int(np.count_nonzero(is_in))
    follow = bool(is_in[first : first + n].all())
    return slice(first, first + n) if follow else is_in if 2 * n > len(is_in) else np.flatnonzero(is_in)


def assign(dataset: Dataset, how: Split, seed: int) -> PartOfRow:
    """TRAIN, VALID or TEST for each row of the dataset, int8, shape (n,)."""
    part = np.full(len(dataset.ratings), TRAIN, dtype=np.int8)
    valid_fraction, test_fraction = how.valid_fraction, how.test_fraction
    free = slice(None)
    if dataset.given is not None:
        for name, code in (("valid", VALID), ("test", TEST)):
            part[dataset.given.get(name, slice(0, 0))] = code
        free = dataset.given["train"]
        test_fraction = 0.0 if "test" in dataset.given else test_fraction
        valid_fraction = 0.0 if "valid" in dataset.given else valid_fraction
    methods: dict[str, Callable[..., PartOfRow]] = {
        "random": _random,
        "user_random": _user_random,
        "time": _time,
        "user_time": _user_time,
        "leave_last": _leave_last,
        "new_items": partial(hold_out_new, "item"),
        "new_users": partial(hold_out_new, "user"),
        "fold": partial(_fold, how),
    }
    if valid_fraction or test_fraction or how.method == "fold":
        cut = methods[how.method](dataset.ratings.take(free), valid_fraction, test_fraction, seed)
        _refuse_users_of_few_rows(cut, how.method, dataset.ratings.take(free), valid_fraction, test_fraction)
        _refuse_empty(cut, valid_fraction, test_fraction)
        part[free] = cut
    return part


def _random(ratings: Interactions, valid_fraction: float, test_fraction: float, seed: int) -> PartOfRow:
    return draw_parts(len(ratings), valid_fraction, test_fraction, rng(seed, "split"))


def _time(ratings: Interactions, valid_fraction: float, test_fraction: float, _: int) -> PartOfRow:
    latest_first = np.argsort(_times(ratings), kind="stable")[::-1]
    return _by_rank(latest_first, valid_fraction, test_fraction)


def _user_random(ratings: Interactions, valid_fraction: float, test_fraction: float, seed: int) -> PartOfRow:
    return _of_each_user(ratings, rng(seed, "split of each user").random(len(ratings)), valid_fraction, test_fraction)


def _user_time(ratings: Interactions, valid_fraction: float, test_fraction: float, _: int) -> PartOfRow:
    return _of_each_user(ratings, _times(ratings), valid_fraction, test_fraction)


def _of_each_user(ratings: Interactions, position: Array, valid_fraction: float, test_fraction: float) -> PartOfRow:
    """Of each user's rows the last ones by `position` are test, the next ones valid; one at least is train."""
    from_last, n_of_user = _from_last(ratings, position)
    n_test = np.floor(n_of_user * test_fraction + 0.5)
    n_held = np.minimum(n_test + np.floor(n_of_user * valid_fraction + 0.5), n_of_user - 1)
    return _held_out(from_last < np.minimum(n_test, n_held), from_last < n_held)


def _leave_last(ratings: Interactions, valid_fraction: float, test_fraction: float, _: int) -> PartOfRow:
    from_last, n_of_user = _from_last(ratings, _times(ratings))
    n_test = np.minimum(int(test_fraction > 0), n_of_user - 1)
    n_held = np.minimum(n_test + int(valid_fraction > 0), n_of_user - 1)
    return _held_out(from_last < n_test, from_last < n_held)


def _fold(how: Split, ratings: Interactions, valid_fraction: float, _: float, seed: int) -> PartOfRow:
    """valid_fraction is a share of what is not test, as it is with test in a file of its own."""
    assert how.fold is not None
    assert how.n_folds is not None
    if how.n_folds > len(ratings):
        raise DataError(
            f"{len(ratings)} ratings are too few for {how.n_folds} folds",
            expected="at least one rating in each fold",
            hint="take fewer folds",
        )
    fold_of_row = np.arange(len(ratings)) % how.n_folds
    rng(seed, "folds").shuffle(fold_of_row)
    is_test = fold_of_row == how.fold - 1
    part = np.full(len(ratings), TEST, dtype=np.int8)
    part[~is_test] = _random(ratings.take(~is_test), valid_fraction, 0.0, seed)
    return part


def _by_rank(order: Array, valid_fraction: float, test_fraction: float) -> PartOfRow:
    """The first rows of `order` are test, the next valid, the rest train."""
    n = len(order)
    n_test, n_valid = round(n * test_fraction), round(n * valid_fraction)
    part = np.full(n, TRAIN, dtype=np.int8)
    part[order[:n_test]] = TEST
    part[order[n_test : n_test + n_valid]] = VALID
    return part


def _held_out(test: Array, held: Array) -> PartOfRow:
    return np.where(test, TEST, np.where(held, VALID, TRAIN)).astype(np.int8)


def _from_last(ratings: Interactions, position: Array) -> tuple[Array, Array]:
    """For each row: how many rows of its user come later by `position`, and how many rows its user has."""
    order = np.lexsort((position, ratings.user_idx))
    n_of_user = ratings.user_counts
    ends = np.cumsum(n_of_user)[ratings.user_idx[order]]
    from_last = np.empty(len(ratings), dtype=np.int64)
    from_last[order] = ends - 1 - np.arange(len(ratings))
    return from_last, n_of_user[ratings.user_idx]


def _times(ratings: Interactions) -> Array:
    if ratings.timestamp is None:
        raise DataError(
            "this split orders ratings by time, and they have no timestamps",
            where="split.method",
            expected="a timestamp column, named by data.columns.timestamp",
            hint="use split.method: random",
        )
    return ratings.timestamp


def _refuse_users_of_few_rows(
    part: PartOfRow, method: str, ratings: Interactions, valid_fraction: float, test_fraction: float
) -> None:
    """Raises DataError where a part is empty since each user keeps a row in train and none has enough."""
    if method not in BY_USER:
        return
    n_most = int(ratings.user_counts.max())
    for name, code, fraction in (("test", TEST, test_fraction), ("valid", VALID, valid_fraction)):
        n_needed = 3 if name == "valid" and test_fraction and method == "leave_last" else 2
        if fraction and n_most < n_needed and not (part == code).any():
            raise DataError(
                f"no user has {n_needed} or more ratings, so {method} leaves none for {name}: each user keeps one",
                where="split.method",
                expected=f"users with at least {n_needed} ratings",
                hint="split.method: random; is data.columns.user the right column?",
            )


def _refuse_empty(part: PartOfRow, valid_fraction: float, test_fraction: float) -> None:
    for name, code, fraction in (("valid", VALID, valid_fraction), ("test", TEST, test_fraction)):
        if fraction and not (part == code).any():
            raise DataError(
                f"{len(part)} ratings are too few for a {name} part of {fraction:g}",
                where=f"split.{name}_fraction",
                expected="a share that makes at least one rating",
                hint=f"raise split.{name}_fraction, or set it to 0 to go without",
            )


def _on_known(
    ratings: Interactions, rows: slice | Array, users: VocabularyRemap, items: VocabularyRemap
) -> Interactions:
    """Some of the ratings, on the vocabularies of those that have training ratings."""
    return Interactions(
        user_idx=users.new_idx(ratings.user_idx[rows], is_own=not isinstance(rows, slice)),
        item_idx=items.new_idx(ratings.item_idx[rows], is_own=not isinstance(rows, slice)),
        rating=ratings.rating[rows],
        timestamp=None if ratings.timestamp is None else ratings.timestamp[rows],
        users=users.vocabulary,
        items=items.vocabulary,
    )


def _unknown(
    held_out: Interactions, users: VocabularyRemap, items: VocabularyRemap
) -> tuple[Interactions | None, BoolArray]:
    """The rows with a user or an item without training ratings, on vocabularies of their own; and a mask of them."""
    is_unknown = (users.new_idx(held_out.user_idx) == UNKNOWN) | (items.new_idx(held_out.item_idx) == UNKNOWN)
    if not is_unknown.any():
        return None, is_unknown
    rows = held_out.take(is_unknown)
    own_users, own_items = VocabularyRemap(rows.users, rows.user_idx), VocabularyRemap(rows.items, rows.item_idx)
    return _on_known(rows, slice(None), own_users, own_items), is_unknown


class VocabularyRemap:
    """The ids of a vocabulary that have training ratings, and those that are known from elsewhere."""

    def __init__(self, all_ids: Vocabulary, train_idx: Indices, also: Vocabulary | None = None) -> None:
        known = count(train_idx, len(all_ids)) > 0
        self._are_all = bool(known.all()) and also is None
        self._new = np.where(known, np.cumsum(known) - 1, UNKNOWN).astype(np.int32)
        self.vocabulary = all_ids if self._are_all else Vocabulary(all_ids.ids[known])
        if also is not None:
            self.vocabulary = union(self.vocabulary, also)
            self._new = self.vocabulary.index(all_ids.ids)

    def new_idx(self, old: Indices, *, is_own: bool = False) -> Indices:
        """Indices into all ids → indices into the known ones, or UNKNOWN; written over the old ones if `is_own`."""
        return old if self._are_all else remap(old, self._new) if is_own else self._new[old]
