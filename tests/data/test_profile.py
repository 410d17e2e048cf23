"""What `recsys init` sees in a file."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from recsys.core.errors import DataError
from recsys.data.profile import Scale, TimeSpan, profile

TEXT = "who,ISBN,Book-Rating,when,note\nann,034X,4.5,2001-01-01,a\nbob,0345,0.5,2001-01-02,b\nann,0345,3,2001-01-03,c\n"


def test_all_that_there_is_to_see(written: Any) -> None:
    data = written(gzip.compress(TEXT.replace(",", ";").encode()), columns={"user": "who"})
    seen = profile(data.ratings, data)
    assert seen.layout.facts == {"compression": "gzip", "encoding": "utf-8", "delimiter": ";", "header": True}
    assert seen.layout.description == "a header, delimiter ';', utf-8, gzip"
    assert seen.layout.columns == {"user": "who", "item": "ISBN", "rating": "Book-Rating", "timestamp": "when"}
    assert seen.layout.others == ("note",)
    assert (seen.user_type, seen.item_type) == (str, str)
    assert (seen.user_examples, seen.item_examples) == (("ann", "bob"), ("034X", "0345"))
    assert (seen.n_ratings, seen.n_users, seen.n_items, seen.n_duplicates) == (3, 2, 2, 0)
    assert seen.scale == Scale(low=0.5, high=4.5, step=0.5, mean=pytest.approx(8 / 3))
    assert seen.times == TimeSpan("ISO dates", 978307200.0, 978480000.0)


def test_without_a_header_columns_are_numbers(written: Any) -> None:
    data = written("1,2,3,978300760000,x\n4,5,6,978300760001,y\n")
    seen = profile(data.ratings, data)
    assert seen.layout.columns == {"user": 1, "item": 2, "rating": 3, "timestamp": 4}
    assert seen.layout.others == (5,)
    assert (seen.layout.facts["header"], seen.user_type) == (False, int)
    assert seen.times == TimeSpan("milliseconds", 978300760.0, 978300760.001)


def test_duplicates_and_equal_ratings_are_reported_not_refused(written: Any) -> None:
    data = written("user,item,rating\n1,1,5\n1,1,5\n1,1,5\n")
    seen = profile(data.ratings, data)
    assert (seen.n_duplicates, seen.n_users, seen.n_items) == (2, 1, 1)
    assert seen.scale == Scale(5, 5, None, 5)
    assert seen.times is None


@pytest.mark.parametrize(
    ("ratings", "step"), [([0.5, 1, 5], 0.5), ([-10, -9.9, 10], 0.1), ([0, 3.14159, 5.2], None), ([1, 2, 5], 1)]
)
def test_the_step_of_a_regular_scale(written: Any, ratings: list[float], step: float | None) -> None:
    data = written("user,item,rating\n" + "".join(f"{k},{k},{rating}\n" for k, rating in enumerate(ratings)))
    assert profile(data.ratings, data).scale.step == step


def test_two_columns_of_one_name_are_told_apart_by_position(written: Any) -> None:
    data = written("user,item,rating,rating\n1,1,1,2\n2,2,2,3\n")
    assert profile(data.ratings, data).layout.others == (4,)


def test_a_bad_row_is_refused_with_its_line(written: Any) -> None:
    data = written("user,item,rating\n1,1,x\n")
    with pytest.raises(DataError) as caught:
        profile(data.ratings, data)
    assert caught.value.where == f"{data.ratings}:2: column rating"
