"""Old and new interactions of the same pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.schema.data import Columns, Data
from recsys.data.interactions import Interactions
from recsys.data.unique_pairs import newer_pairs
from recsys.data.vocabulary import Vocabulary

THREE = Vocabulary(np.arange(3))
NONE = np.nan


def interactions(*rows: tuple[int, int, float]) -> Interactions:
    user, item, rating = zip(*rows, strict=True)
    idx = (np.array(user, np.int32), np.array(item, np.int32))
    return Interactions(*idx, np.array(rating, np.float32), None, THREE, THREE)


def rows_of(ratings: Interactions) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ratings.to_frame().replace({np.nan: None}).itertuples(index=False)]


OLD = interactions((0, 0, 1), (0, 1, 2), (1, 1, 3), (2, 2, NONE))
NEW = interactions((2, 2, 5), (1, 1, NONE), (0, 0, 4), (2, 0, 6))


@pytest.mark.parametrize(
    ("keys", "old", "new"),
    [
        ({}, [(0, 1, 2), (1, 1, 3)], [(2, 2, 5), (0, 0, 4), (2, 0, 6)]),
        ({"rating_is": "count"}, [(0, 1, 2)], [(2, 2, 5), (1, 1, 3), (0, 0, 5), (2, 0, 6)]),
        ({"columns": Columns(rating=False)}, [(0, 1, 2)], [(2, 2, 5), (1, 1, None), (0, 0, 4), (2, 0, 6)]),
    ],
)
def test_the_new_one_counts_and_beats_all_but_a_rating(keys: dict[str, Any], old: list[Any], new: list[Any]) -> None:
    data = Data(ratings=Path("r.csv"), **keys)
    left, right = newer_pairs(OLD, NEW, data)
    assert (rows_of(left), rows_of(right)) == (old, new)


def test_without_a_common_pair_all_stay() -> None:
    first, second = interactions((0, 0, 1)), interactions((0, 1, 1))
    assert newer_pairs(first, second, Data(ratings=Path("r.csv"))) == (first, second)


@pytest.mark.parametrize(
    ("old", "new"),
    [([(0, 0, 1), (0, 0, 2)], [(1, 1, 3)]), ([(0, 0, 1)] * 2, [(0, 0, 1)]), ([(1, 1, 3)], [(0, 0, 1)] * 2)],
)
def test_a_pair_that_is_in_one_of_them_twice_is_refused(old: list[Any], new: list[Any]) -> None:
    with pytest.raises(ValueError, match="a user has rated an item more than once"):
        newer_pairs(interactions(*old), interactions(*new), Data(ratings=Path("r.csv")))
