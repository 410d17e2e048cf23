from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recsys.config.schema.split import Split
from recsys.core.errors import DataError
from recsys.data.interactions import Dataset, Interactions
from recsys.data.parts import TEST, TRAIN, VALID
from recsys.data.split import Splits, assign, split

Rated = Callable[..., Interactions]
BY_TIME = ["time", "user_time", "leave_last"]
NEW = ["new_items", "new_users"]
SHARES = ["random", "user_random", *BY_TIME]
METHODS = [*SHARES, *NEW]


def dataset(ratings: Interactions, given_parts: dict[str, slice] | None = None) -> Dataset:
    return Dataset(ratings, given_parts)


def how(method: str = "random", valid: float = 0.1, test: float = 0.1) -> Split:
    return Split.model_validate({"method": method, "valid_fraction": valid, "test_fraction": test})


def raw_rows(part: Interactions | None) -> list[tuple[Any, ...]]:
    """Rows with raw ids, "?" for the unknown."""
    if part is None:
        return []

    def ids(vocabulary: Any, idx: Any) -> list[Any]:
        return [vocabulary.ids[index] if index >= 0 else "?" for index in idx]

    return list(zip(ids(part.users, part.user_idx), ids(part.items, part.item_idx), part.rating.tolist(), strict=True))


@pytest.fixture
def grid(rated: Rated) -> Interactions:
    """Ten users, ten items, each rating a number of its own; times are the reverse of the file's order."""
    return rated([(u, i, float(10 * u + i), 100 - (10 * u + i)) for u in range(10) for i in range(10)])


def all_rows(splits: Splits) -> list[float]:
    return sorted(row[2] for part in (splits.train, splits.valid, splits.test) for row in raw_rows(part))


@pytest.mark.parametrize("method", METHODS)
def test_parts_are_disjoint_and_complete(grid: Interactions, method: str) -> None:
    assert all_rows(split(dataset(grid), how(method), 1)) == sorted(grid.rating.tolist())


@pytest.mark.parametrize("method", SHARES)
def test_parts_have_the_sizes_that_were_asked_for(grid: Interactions, method: str) -> None:
    splits = split(dataset(grid), how(method, valid=0.1, test=0.1), 1)
    assert [len(part or []) for part in (splits.train, splits.valid, splits.test)] == [80, 10, 10]


@pytest.mark.parametrize("method", ["random", "user_random", *NEW])
def test_what_is_drawn_depends_on_the_seed_alone(grid: Interactions, method: str) -> None:
    first, again, other = (assign(dataset(grid), how(method), seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize("method", BY_TIME)
def test_splits_by_time_do_not_depend_on_the_seed(grid: Interactions, method: str) -> None:
    assert assign(dataset(grid), how(method), 1).tolist() == assign(dataset(grid), how(method), 2).tolist()


def test_time_takes_the_latest_rows_of_all(grid: Interactions) -> None:
    splits = split(dataset(grid), how("time", valid=0.2, test=0.1), 1)
    assert sorted(row[2] for row in raw_rows(splits.test)) == list(range(10))
    assert sorted(row[2] for row in raw_rows(splits.valid)) == list(range(10, 30))


def test_time_gives_rows_of_equal_times_in_the_order_of_the_file(rated: Rated) -> None:
    ratings = rated([(n % 2, n // 2, float(n), 5) for n in range(10)])
    assert assign(dataset(ratings), how("time", 0.2, 0.3), 1).tolist() == [TRAIN] * 5 + [VALID] * 2 + [TEST] * 3


def test_user_time_takes_the_latest_of_each_user(grid: Interactions) -> None:
    splits = split(dataset(grid), how("user_time", valid=0.2, test=0.1), 1)
    assert sorted(row[2] for row in raw_rows(splits.test)) == [10.0 * u for u in range(10)]
    assert sorted(row[2] for row in raw_rows(splits.valid)) == [10.0 * u + i for u in range(10) for i in (1, 2)]


def test_user_random_draws_the_same_share_of_each_user(grid: Interactions) -> None:
    part = assign(dataset(grid), how("user_random", valid=0.2, test=0.1), 1).reshape(10, 10)
    assert [np.bincount(of_user).tolist() for of_user in part] == [[7, 2, 1]] * 10
    assert len({tuple(of_user) for of_user in part.tolist()}) > 1


def test_user_random_leaves_each_user_a_row_to_learn_from(rated: Rated) -> None:
    rows = [("one", 1, 1.0), ("two", 1, 2.0), ("two", 2, 3.0), *(("many", n, 4.0) for n in range(8))]
    part = assign(dataset(rated(rows)), how("user_random", 0.4, 0.5), 1)
    assert [np.bincount(part[rows], minlength=3).tolist() for rows in (slice(0, 1), slice(1, 3), slice(3, 11))] == [
        [1, 0, 0],
        [1, 0, 1],
        [1, 3, 4],
    ]


def test_user_time_leaves_each_user_a_row_to_learn_from(rated: Rated) -> None:
    rows = [("one", 1, 1.0, 1), ("two", 1, 2.0, 1), ("two", 2, 3.0, 2), *(("many", n, 4.0, n) for n in range(8))]
    part = assign(dataset(rated(rows)), how("user_time", 0.4, 0.5), 1)
    assert part.tolist() == [TRAIN, TRAIN, TEST, TRAIN, *[VALID] * 3, *[TEST] * 4]


def test_leave_last_holds_out_the_last_row_and_the_one_before(rated: Rated) -> None:
    rows = [
        *[("one", 1, 1.0, 9)],
        *[("two", 1, 2.0, 9), ("two", 2, 3.0, 8)],
        *[("three", 1, 4.0, 2), ("three", 2, 5.0, 3), ("three", 3, 6.0, 1)],
        *[("tie", n, float(n), 7) for n in range(4)],
    ]
    part = assign(dataset(rated(rows)), how("leave_last"), 1).tolist()
    assert part == [TRAIN, TEST, TRAIN, VALID, TEST, TRAIN, TRAIN, TRAIN, VALID, TEST]


def test_leave_last_without_test_takes_the_last_row_for_valid(rated: Rated) -> None:
    ratings = rated([(1, n, float(n), n) for n in range(3)])
    assert assign(dataset(ratings), how("leave_last", 0.1, 0), 1).tolist() == [TRAIN, TRAIN, VALID]


@pytest.mark.parametrize("method", BY_TIME)
def test_a_split_by_time_needs_times(rated: Rated, method: str) -> None:
    ratings = rated([(n % 3, n, float(n)) for n in range(30)])
    with pytest.raises(DataError, match="timestamps") as caught:
        split(dataset(ratings), how(method), 1)
    assert caught.value.hint == "use split.method: random"


def test_who_is_not_in_train_is_unknown_and_counted(rated: Rated) -> None:
    rows = [("old", 1, 1.0), ("old", 2, 2.0), ("older", 1, 3.0), ("new", 1, 4.0), ("old", 9, 5.0), ("new", 9, 1.0)]
    splits = split(dataset(rated(rows), {"train": slice(0, 3), "test": slice(3, 6)}), how(valid=0), 1)
    assert raw_rows(splits.test) == [("?", 1, 4.0), ("old", "?", 5.0), ("?", "?", 1.0)]
    assert splits.test is not None
    assert (splits.test.n_unknown_users, splits.test.n_unknown_items) == (2, 2)
    assert splits.train.users.ids.tolist() == ["old", "older"]
    assert splits.test.users is splits.train.users
    assert (splits.train.n_unknown_users, splits.train.n_unknown_items) == (0, 0)


def test_given_parts_stay_as_they_are(grid: Interactions) -> None:
    given_parts = {"train": slice(0, 60), "valid": slice(60, 75), "test": slice(75, 100)}
    part = assign(dataset(grid, given_parts), how(valid=0.3, test=0.3), 1)
    assert part.tolist() == [TRAIN] * 60 + [VALID] * 15 + [TEST] * 25


def test_the_rows_of_a_given_part_are_not_copied(grid: Interactions) -> None:
    parts = split(dataset(grid, {"train": slice(0, 60), "test": slice(60, 100)}), how(valid=0), 1)
    assert parts.test is not None
    assert np.shares_memory(parts.train.rating, grid.rating)
    assert np.shares_memory(parts.test.rating, grid.rating)


def test_valid_is_cut_from_a_given_train_and_the_given_test_stays(grid: Interactions) -> None:
    part = assign(dataset(grid, {"train": slice(0, 80), "test": slice(80, 100)}), how(valid=0.25, test=0.5), 1)
    assert part[80:].tolist() == [TEST] * 20
    assert np.bincount(part[:80]).tolist() == [60, 20]


def test_a_given_train_alone_is_split_as_one_file(grid: Interactions) -> None:
    alone = assign(dataset(grid, {"train": slice(0, 100)}), how(), 5)
    assert alone.tolist() == assign(dataset(grid), how(), 5).tolist()


def test_fractions_of_0_leave_everything_to_train(grid: Interactions) -> None:
    splits = split(dataset(grid), how(valid=0, test=0), 1)
    assert (len(splits.train), splits.valid, splits.test) == (100, None, None)


@pytest.mark.parametrize("name", ["valid", "test"])
def test_a_part_that_was_asked_for_and_would_be_empty_is_an_error(rated: Rated, name: str) -> None:
    ratings = rated([(1, 1, 1.0), (2, 2, 2.0), (3, 1, 3.0)])
    shares = {"valid": 0.0, "test": 0.0, name: 0.1}
    with pytest.raises(DataError, match=name) as caught:
        split(dataset(ratings), how(**shares), 1)
    assert caught.value.where == f"split.{name}_fraction"


def test_nothing_left_to_train_on_is_an_error(rated: Rated) -> None:
    ratings = rated([(1, 1, 1.0), (2, 2, 2.0)])
    with pytest.raises(DataError, match="no training ratings"):
        split(dataset(ratings), how(valid=0.45, test=0.45), 1)


def test_the_order_of_the_file_is_kept_within_a_part(grid: Interactions) -> None:
    for part in (split(dataset(grid), how("random"), 3).train, split(dataset(grid), how("user_time"), 3).train):
        assert part.rating.tolist() == sorted(part.rating.tolist())


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), min_size=3, max_size=40),
    method=st.sampled_from(METHODS),
    valid=st.floats(0, 0.45),
    test=st.floats(0, 0.45),
    seed=st.integers(0, 2**40),
)
def test_every_row_lands_in_exactly_one_part(
    rated: Rated, rows: list[tuple[int, int, int]], method: str, valid: float, test: float, seed: int
) -> None:
    ratings = rated([(u, i, float(n), t) for n, (u, i, t) in enumerate(rows)])
    try:
        half = 0.5 if method in NEW else 1.0  # what they leave to choose from
        splits = split(dataset(ratings), how(method, half * valid, half * test), seed)
    except DataError:
        assume(False)
    assert all_rows(splits) == ratings.rating.tolist()
    ids = {row[2]: row[:2] for row in raw_rows(ratings)}
    for part in (splits.train, splits.valid, splits.test):
        for user, item, number in raw_rows(part):
            assert user in ("?", ids[number][0])
            assert item in ("?", ids[number][1])
    assert splits.train.n_unknown_users == splits.train.n_unknown_items == 0


def test_folds_share_no_row_and_hold_every_row_once(grid: Interactions) -> None:
    folds = [assign(dataset(grid), fold_of(fold, 3, valid=0.1), 1) for fold in (1, 2, 3)]
    assert sum((part == TEST).astype(int) for part in folds).tolist() == [1] * 100
    assert [(part == TEST).sum() for part in folds] == [34, 33, 33]
    assert [(part == VALID).sum() for part in folds] == [7, 7, 7]
    assert assign(dataset(grid), fold_of(1, 3, valid=0.1), 2).tolist() != folds[0].tolist()


def test_a_fold_goes_without_valid_where_none_is_asked_for(grid: Interactions) -> None:
    part = assign(dataset(grid), fold_of(2, 4, valid=0), 1)
    assert [int((part == code).sum()) for code in (TRAIN, VALID, TEST)] == [75, 0, 25]


def fold_of(fold: int, n_folds: int, valid: float) -> Split:
    return Split(method="fold", fold=fold, n_folds=n_folds, valid_fraction=valid)


@pytest.mark.parametrize(
    ("method", "n_rows", "needed"), [("leave_last", 1, 2), ("leave_last", 2, 3), ("user_time", 1, 2)]
)
def test_users_with_too_few_rows_for_a_split_by_user_are_the_reason(
    rated: Rated, method: Any, n_rows: int, needed: int
) -> None:
    ratings = rated([(user, item, 1.0, user) for user in range(9) for item in range(n_rows)])
    with pytest.raises(DataError, match=f"no user has {needed} or more ratings") as caught:
        split(dataset(ratings), how(method, 0.1, 0.1), 1)
    assert "split.method: random" in str(caught.value.hint)
