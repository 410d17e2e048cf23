from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recsys.config.schema.split import Split
from recsys.core.errors import DataError
from recsys.core.types import Array
from recsys.data.interactions import Dataset, Interactions
from recsys.data.parts import TEST, TRAIN, VALID
from recsys.data.split import assign, split

Rated = Callable[..., Interactions]
ROLES = ["user", "item"]


@pytest.fixture
def square(rated: Rated) -> Interactions:
    """Twenty users who have rated twenty items each."""
    return rated([(u, i, 1.0) for u in range(20) for i in range(20)])


def how(role: str, valid: float = 0.1, test: float = 0.1) -> Split:
    return Split.model_validate({"method": f"new_{role}s", "valid_fraction": valid, "test_fraction": test})


def parts(ratings: Interactions, role: str, valid: float = 0.1, test: float = 0.1, seed: int = 1) -> Array:
    """Rows in train, valid and test, for each item (or user), shape (n, 3)."""
    part = assign(Dataset(ratings, None), how(role, valid, test), seed)
    idx = ratings.item_idx if role == "item" else ratings.user_idx
    return np.bincount(3 * idx + part, minlength=3 * (idx.max() + 1)).reshape(-1, 3)


@pytest.mark.parametrize("role", ROLES)
def test_a_share_is_held_out_whole_and_another_keeps_1_to_5_rows(square: Interactions, role: str) -> None:
    n = parts(square, role)
    for code in (VALID, TEST):
        assert (n[:, code] == 20).sum() == 2
        assert ((n[:, code] >= 15) & (n[:, code] < 20) & (n[:, TRAIN] + n[:, code] == 20)).sum() == 2
    others = n[n[:, TRAIN] > 5]
    assert len(others) == 12
    assert others.sum(axis=0).tolist() == [192, 24, 24]


def test_the_numbers_of_rows_that_are_kept_are_drawn(rated: Rated) -> None:
    n = parts(rated([(u, i, 1.0) for u in range(20) for i in range(100)]), "item", test=0.3, valid=0)
    thinned = n[(n[:, TRAIN] <= 5) & (n[:, TRAIN] > 0)]
    assert len(thinned) == 30
    assert set(thinned[:, TRAIN]) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("role", ROLES)
def test_what_is_new_in_test_does_not_depend_on_valid(square: Interactions, role: str) -> None:
    with_valid, without = parts(square, role), parts(square, role, valid=0)
    seldom = without[:, TRAIN] <= 5
    assert with_valid[seldom].tolist() == without[seldom].tolist()


def test_items_of_few_rows_keep_one_and_some_are_held_out_where_there_is_more_than_one(rated: Rated) -> None:
    rows = [(u, i, 1.0) for i in range(100) for u in range(1 + i % 3)]
    n = parts(rated(rows), "item", valid=0, test=0.4)
    assert (n[n.sum(axis=1) == 1][:, TRAIN] == 1).sum() > 10
    split_up = n[(n[:, TRAIN] > 0) & (n[:, TEST] > 0)]
    assert len(split_up) >= 20


def test_ratings_of_new_items_are_counted_as_unknown(square: Interactions) -> None:
    splits = split(Dataset(square, None), how("item"), 1)
    assert len(splits.train.items) == 16
    for part in (splits.valid, splits.test):
        assert part is not None
        assert (part.n_unknown_items, part.n_unknown_users) == (40, 0)
        assert len(part) > 40
    assert splits.unknown is not None
    assert len(splits.unknown) == 80


def test_items_without_ratings_are_not_drawn(square: Interactions, rated: Rated) -> None:
    few = square.take(square.item_idx < 10)
    ids = rated([(u, i, 1.0) for u in range(20) for i in range(10)])
    assert assign(Dataset(few, None), how("item"), 1).tolist() == assign(Dataset(ids, None), how("item"), 1).tolist()


@pytest.mark.parametrize("name", ["valid", "test"])
def test_fewer_items_than_make_a_share_are_an_error(rated: Rated, name: str) -> None:
    ratings = rated([(u, i, 1.0) for u in range(50) for i in range(4)])
    shares = {"valid": 0.0, "test": 0.0, name: 0.1}
    with pytest.raises(DataError, match=f"4 items are too few for a {name} part") as caught:
        assign(Dataset(ratings, None), how("item", **shares), 1)
    assert caught.value.where == f"split.{name}_fraction"
