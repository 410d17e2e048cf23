"""All ratings → train, valid and test, on the vocabulary of train."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import numpy as np

from recsys.config.schema.split import Split
from recsys.core.collectives import add_up, is_so_on_any, number_of_each
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import DataError
from recsys.core.seeding import rng
from recsys.core.types import Array, BoolArray, Times
from recsys.data.chunks import count
from recsys.data.interactions import Dataset, Interactions
from recsys.data.known import Known
from recsys.data.parts import TEST, TRAIN, VALID, PartOfRow, draw_parts
from recsys.data.ranks.order import are_latest, drawn, places, uniform
from recsys.data.split_new import hold_out_new
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Splits:
    """The ratings that a run trains on, chooses by and is measured on. All parts share the vocabularies of train.

    Attributes:
        unknown: those of valid and test whose user or item train does not have, on vocabularies of their own: a run
            that goes on from this one may know them.
        unknown_part: VALID or TEST for each of these, TRAIN for those of an earlier run; None where it is not known.
    """

    train: Interactions
    valid: Interactions | None
    test: Interactions | None
    unknown: Interactions | None = None
    unknown_part: PartOfRow | None = None


HELD_OUT = {"valid": VALID, "test": TEST}
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
    refuse_empty_train(part)
    ratings, rows_of_train = dataset.ratings, rows_of(part == TRAIN)
    is_user_known, is_item_known = (
        count(idx[rows_of_train], len(ids)) > 0
        for idx, ids in ((ratings.user_idx, ratings.users), (ratings.item_idx, ratings.items))
    )
    known = Known.of(ratings, is_user_known, is_item_known, also)
    return splits_of(known.take(ratings, rows_of_train), ratings, part, known)


def splits_of(train: Interactions, held_out: Interactions, part: PartOfRow, known: Known) -> Splits:
    """The splits with this training part.

    Args:
        held_out: at least all rows that are not in train.
        part: of each of these.
    """
    valid, test = (known.take(held_out, rows_of(part == code)) for code in (VALID, TEST))
    unknown, is_unknown = known.unknown(held_out.take(rows_of(part != TRAIN)))
    return Splits(
        train=train,
        valid=valid if len(valid) else None,
        test=test if len(test) else None,
        unknown=unknown,
        unknown_part=None if unknown is None else part[part != TRAIN][is_unknown],
    )


def refuse_empty_train(part: PartOfRow, communicator: Communicator = ALONE) -> None:
    """Raises DataError where no row is in train."""
    if not is_so_on_any(bool((part == TRAIN).any()), communicator):
        raise DataError(
            f"no training ratings are left of {_n_all(part, communicator)}",
            expected="at least one rating to train on",
            hint="lower split.valid_fraction and split.test_fraction",
        )


def rows_of(is_in: BoolArray) -> slice | Array:
    """What takes the rows of a mask: a slice, of which columns are views, where they follow each other."""
    n = int(np.count_nonzero(is_in))
    first = int(np.argmax(is_in)) if n else 0
    follow = bool(is_in[first : first + n].all())
    return slice(first, first + n) if follow else is_in if 2 * n > len(is_in) else np.flatnonzero(is_in)


def assign(dataset: Dataset, how: Split, seed: int) -> PartOfRow:
    """TRAIN, VALID or TEST for each row of the dataset, int8, shape (n,)."""
    part = np.full(len(dataset.ratings), TRAIN, dtype=np.int8)
    free = slice(None)
    if dataset.given is not None:
        for name in HELD_OUT.keys() & dataset.given:
            part[dataset.given[name]] = HELD_OUT[name]
        free, how = dataset.given["train"], but_for(dataset.given, how)
    part[free] = cut(dataset.ratings.take(free), how, seed)
    return part


def but_for(given: Collection[str], how: Split) -> Split:
    """How the rows to train on are cut where other parts are files of their own."""
    return how.model_copy(update={f"{name}_fraction": 0.0 for name in HELD_OUT if name in given})


def cut(ratings: Interactions, how: Split, seed: int, communicator: Communicator = ALONE) -> PartOfRow:
    """TRAIN, VALID or TEST for each of the rows.

    Args:
        ratings: the rows of this rank, which follow those of the ranks before it, on vocabularies of all ranks.
    Raises:
        DataError: a split by time without times, or a part that would be empty.
    """
    if not (how.valid_fraction or how.test_fraction or how.method == "fold"):
        return np.full(len(ratings), TRAIN, dtype=np.int8)
    methods: dict[str, Callable[..., PartOfRow]] = {
        "random": _random,
        "user_random": _user_random,
        "time": _time,
        "user_time": _user_time,
        "leave_last": _leave_last,
        "new_items": partial(hold_out_new, "item"),
        "new_users": partial(hold_out_new, "user"),
        "fold": _fold,
    }
    part = methods[how.method](ratings, how, seed, communicator)
    _refuse_users_of_few_rows(part, how, ratings, communicator)
    _refuse_empty(part, how, communicator)
    return part


def assign_rows(n_rows: int, given: dict[str, slice] | None, how: Split, seed: int) -> PartOfRow:
    """The part of each of so many rows, see `assign`; the method draws rows, whatever they hold.

    Raises:
        DataError: no row is in train, or another part would be empty.
    """
    index, rating = np.broadcast_to(np.int32(0), n_rows), np.broadcast_to(np.float32(0), n_rows)
    nobody = Vocabulary(np.empty(0, dtype=np.int64))
    part = assign(Dataset(Interactions(index, index, rating, None, nobody, nobody), given), how, seed)
    refuse_empty_train(part)
    return part


def _random(ratings: Interactions, how: Split, seed: int, communicator: Communicator) -> PartOfRow:
    draw = partial(draw_parts, how.valid_fraction, how.test_fraction, rng(seed, "split"))
    return drawn(len(ratings), draw, communicator)


def _time(ratings: Interactions, how: Split, _: int, communicator: Communicator) -> PartOfRow:
    """The latest rows are test, the next ones valid."""
    times, n = _times(ratings), _n_all(ratings.rating, communicator)
    n_test, n_valid = round(n * how.test_fraction), round(n * how.valid_fraction)
    test, held = (are_latest(times, min(n_last, n), communicator) for n_last in (n_test, n_test + n_valid))
    return _held_out(test, held)


def _user_random(ratings: Interactions, how: Split, seed: int, communicator: Communicator) -> PartOfRow:
    position = uniform(len(ratings), rng(seed, "split of each user"), communicator)
    return _of_each_user(ratings, position, how, communicator)


def _user_time(ratings: Interactions, how: Split, _: int, communicator: Communicator) -> PartOfRow:
    return _of_each_user(ratings, _times(ratings), how, communicator)


def _of_each_user(ratings: Interactions, position: Array, how: Split, communicator: Communicator) -> PartOfRow:
    """Of each user's rows the last ones by `position` are test, the next ones valid; one at least is train."""
    from_last, n_of_user = _from_last(ratings, position, communicator)
    n_test = np.floor(n_of_user * how.test_fraction + 0.5)
    n_held = np.minimum(n_test + np.floor(n_of_user * how.valid_fraction + 0.5), n_of_user - 1)
    return _held_out(from_last < np.minimum(n_test, n_held), from_last < n_held)


def _leave_last(ratings: Interactions, how: Split, _: int, communicator: Communicator) -> PartOfRow:
    from_last, n_of_user = _from_last(ratings, _times(ratings), communicator)
    n_test = np.minimum(int(how.test_fraction > 0), n_of_user - 1)
    n_held = np.minimum(n_test + int(how.valid_fraction > 0), n_of_user - 1)
    return _held_out(from_last < n_test, from_last < n_held)


def _fold(ratings: Interactions, how: Split, seed: int, communicator: Communicator) -> PartOfRow:
    n = _n_all(ratings.rating, communicator)
    assert how.n_folds is not None
    if how.n_folds > n:
        raise DataError(
            f"{n} ratings are too few for {how.n_folds} folds",
            expected="at least one rating in each fold",
            hint="take fewer folds",
        )
    return drawn(len(ratings), partial(_draw_fold, how, seed), communicator)


def _draw_fold(how: Split, seed: int, n: int) -> PartOfRow:
    """valid_fraction is a share of what is not test, as it is with test in a file of its own."""
    assert how.fold is not None
    assert how.n_folds is not None
    fold_of_row = np.resize(np.arange(how.n_folds, dtype=np.int16), n)
    rng(seed, "folds").shuffle(fold_of_row)
    is_test = fold_of_row == how.fold - 1
    part = np.full(n, TEST, dtype=np.int8)
    part[~is_test] = draw_parts(how.valid_fraction, 0.0, rng(seed, "split"), n - int(is_test.sum()))
    return part


def _held_out(test: Array, held: Array) -> PartOfRow:
    return np.where(test, TEST, np.where(held, VALID, TRAIN)).astype(np.int8)


def _from_last(ratings: Interactions, position: Array, communicator: Communicator) -> tuple[Array, Array]:
    """For each row: how many rows of its user come later by `position`, and how many rows its user has."""
    counts = add_up(ratings.user_counts, communicator)
    n_of_user = counts[ratings.user_idx]
    return n_of_user - 1 - places(ratings.user_idx, position, counts, communicator), n_of_user


def _n_all(rows: Array, communicator: Communicator) -> int:
    return sum(number_of_each(len(rows), communicator))


def _times(ratings: Interactions) -> Times:
    if ratings.timestamp is None:
        raise DataError(
            "this split orders ratings by time, and they have no timestamps",
            where="split.method",
            expected="a timestamp column, named by data.columns.timestamp",
            hint="use split.method: random",
        )
    return ratings.timestamp


def _refuse_users_of_few_rows(part: PartOfRow, how: Split, ratings: Interactions, communicator: Communicator) -> None:
    """Raises DataError where a part is empty since each user keeps a row in train and none has enough."""
    if how.method not in BY_USER:
        return
    n_most = int(add_up(ratings.user_counts, communicator).max())
    for name, is_there, fraction in _held_out_parts(part, how, communicator):
        n_needed = 3 if name == "valid" and how.test_fraction and how.method == "leave_last" else 2
        if fraction and n_most < n_needed and not is_there:
            raise DataError(
                f"no user has {n_needed} or more ratings, so {how.method} leaves none for {name}: each user keeps one",
                where="split.method",
                expected=f"users with at least {n_needed} ratings",
                hint="split.method: random; is data.columns.user the right column?",
            )


def _refuse_empty(part: PartOfRow, how: Split, communicator: Communicator) -> None:
    for name, is_there, fraction in _held_out_parts(part, how, communicator):
        if fraction and not is_there:
            raise DataError(
                f"{_n_all(part, communicator)} ratings are too few for a {name} part of {fraction:g}",
                where=f"split.{name}_fraction",
                expected="a share that makes at least one rating",
                hint=f"raise split.{name}_fraction, or set it to 0 to go without",
            )


def _held_out_parts(part: PartOfRow, how: Split, communicator: Communicator) -> list[tuple[str, bool, float]]:
    """Name of each, whether any rank has rows of it, and the share that was asked for."""
    return [
        (name, is_so_on_any(bool((part == code).any()), communicator), fraction)
        for name, code, fraction in (("test", TEST, how.test_fraction), ("valid", VALID, how.valid_fraction))
    ]
