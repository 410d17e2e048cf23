from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.core.errors import DataError
from recsys.inference.new_entities import read_new_entities
from recsys.inference.rating_scale import n_outside_scale
from recsys.inference.recommender import Recommender


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new.csv"


def test_new_users_and_new_items_are_told_apart(numbers: Recommender, file: Path) -> None:
    file.write_text("userId,movieId,rating\n77,100,5\n1,-9,2\n77,120,4\n")
    new = read_new_entities(numbers.bundle, file)
    ratings = new.ratings
    assert new.is_new_user.tolist() == [True, False, True]
    assert ratings.users.ids[ratings.user_idx].tolist() == [77, 1, 77]
    assert ratings.items.ids[ratings.item_idx].tolist() == [100, -9, 120]
    assert len(ratings.users) == len(numbers.bundle.users) + 1
    assert len(ratings.items) == len(numbers.bundle.items) + 1


def test_text_ids_are_taken_as_they_stand(texts: Recommender, file: Path) -> None:
    file.write_text('reader,isbn,stars\n0077,007,5\n"x, y",1e5,3\n', encoding="utf-8")
    ratings = read_new_entities(texts.bundle, file).ratings
    assert ratings.users.ids[ratings.user_idx].tolist() == ["0077", "x, y"]


def test_rows_of_two_known_sides_or_of_none_are_counted_and_the_first_is_named(
    numbers: Recommender, file: Path
) -> None:
    file.write_text("userId,movieId,rating\n77,100,5\n\n1,100,2\n77,999,4\n2,100,1\n")
    with pytest.raises(DataError, match="both the user and the item") as caught:
        read_new_entities(numbers.bundle, file)
    (other,) = caught.value.more
    assert (caught.value.where, other.where) == (f"{file}:4", f"{file}:5")
    assert "1 more such row of 4" in caught.value.what
    assert "neither the user nor the item" in str(other)
    assert f"recsys update --run {numbers.bundle.path.parent} --ratings {file}" in (caught.value.hint or "")


def test_a_pair_that_occurs_twice_is_refused_by_line(numbers: Recommender, file: Path) -> None:
    file.write_text("userId,movieId,rating\n77,100,5\n77,101,5\n77,100,4\n")
    with pytest.raises(DataError, match="item 100 was rated before by the same user, in line 2") as caught:
        read_new_entities(numbers.bundle, file)
    assert caught.value.where == f"{file}:4"


@pytest.mark.parametrize(("row", "what"), [("alice,100,5", "user id 'alice'"), ("1,B07,5", "item id 'B07'")])
def test_an_id_of_another_type_is_refused_by_line(row: str, what: str, numbers: Recommender, file: Path) -> None:
    file.write_text(f"userId,movieId,rating\n78,100,5\n{row}\n")
    with pytest.raises(DataError, match=f"{what} is not a whole number") as caught:
        read_new_entities(numbers.bundle, file)
    assert caught.value.where == f"{file}:3"


def test_ratings_beyond_the_run_s_scale_are_counted(numbers: Recommender) -> None:
    assert n_outside_scale(numbers.bundle, np.array([0.5, 5, 5.5, 0, 10])) == 3
