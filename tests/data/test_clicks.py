"""Events without a rating, counts of events, and files in which some rows have a rating."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.config.loading.load import config_from
from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DataError
from recsys.data.interactions import Interactions
from recsys.data.read import read_ratings
from tests.ranks import on_ranks

CLICKS = {"rating": False}


def read(data: Any) -> Interactions:
    return read_ratings(data, ALONE).ratings


@pytest.mark.parametrize("head", ["user,item,rating,time\n", "user,item,price,time\n"])
def test_no_rating_is_read_of_clicks(written: Any, head: str) -> None:
    data = written(f"{head}1,10,5,1000\n2,20,5,1001\n", columns=CLICKS)
    clicks = read(data)
    assert np.isnan(clicks.rating).all()
    assert clicks.rating.dtype == np.float32
    assert clicks.timestamp is not None
    assert clicks.timestamp.tolist() == [1000, 1001]
    assert not data.has_ratings


def test_the_third_column_of_clicks_without_a_header_is_a_time(written: Any) -> None:
    clicks = read(written("1,10,1000\n2,20,1001\n", columns=CLICKS))
    assert clicks.timestamp is not None
    assert clicks.timestamp.tolist() == [1000, 1001]


def test_counts_are_read_and_are_no_ratings(written: Any) -> None:
    data = written("user,item,rating\n1,10,5\n2,20,7\n", rating_is="count")
    assert read(data).rating.tolist() == [5, 7]
    assert not data.has_ratings


EVENTS = "user,item,plays,time\n1,10,2,1005\n2,20,1,1001\n1,10,3,1002\n2,10,4,1004\n1,10,1,1003\n"
MIXED = "user,item,rating,time\n1,10,0,1005\n1,10,4,1001\n2,20,0,1002\n2,20,0,1004\n2,10,0,1003\n3,20,2,1006\n"


def rows_of(ratings: Interactions) -> list[tuple[Any, ...]]:
    """user, item, rating (None where there is none) and time of each row."""
    frame = ratings.to_frame().replace({np.nan: None})
    return [tuple(row) for row in frame.itertuples(index=False)]


def test_events_of_a_pair_are_added_up_with_the_latest_time(written: Any) -> None:
    dataset = read_ratings(written(EVENTS, rating_is="count"), ALONE)
    assert rows_of(dataset.ratings) == [(2, 20, 1, 1001), (2, 10, 4, 1004), (1, 10, 6, 1005)]
    assert dataset.n_duplicates == 2


def test_clicks_of_a_pair_become_one(written: Any) -> None:
    clicks = read(written(EVENTS, columns=CLICKS))
    assert rows_of(clicks) == [(2, 20, None, 1001), (2, 10, None, 1004), (1, 10, None, 1005)]


def test_without_a_column_the_rows_of_a_pair_are_counted(written: Any) -> None:
    counts = read(written(EVENTS, columns=CLICKS, rating_is="count"))
    assert rows_of(counts) == [(2, 20, 1, 1001), (2, 10, 1, 1004), (1, 10, 3, 1005)]


@pytest.mark.parametrize(("duplicates", "plays"), [("first", [2, 1, 4]), ("last", [1, 4, 1])])
def test_events_are_kept_or_refused_if_asked_for(written: Any, duplicates: str, plays: list[float]) -> None:
    assert read(written(EVENTS, rating_is="count", duplicates=duplicates)).rating.tolist() == plays
    with pytest.raises(DataError, match="user 1 rated item 10 before, in line 2"):
        read(written(EVENTS, rating_is="count", duplicates="error"))


def test_ratings_are_not_added_up(written: Any) -> None:
    with pytest.raises(ConfigError, match="ratings cannot be added up"):
        config_from({"data": {"ratings": "r.csv", "duplicates": "count"}}, Path())


def test_a_pair_of_train_and_test_counts_in_train_alone(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("user,item,plays,time\n1,10,2,1000\n2,20,1,1001\n1,10,3,1002\n")
    (tmp_path / "test.csv").write_text("user,item,plays,time\n1,10,50,2000\n2,10,1,2001\n2,10,1,2002\n")
    data = Data.model_validate({"train": tmp_path / "train.csv", "test": tmp_path / "test.csv", "rating_is": "count"})
    dataset = read_ratings(data, ALONE)
    assert dataset.given == {"train": slice(0, 2), "test": slice(2, 3)}
    assert rows_of(dataset.ratings) == [(2, 20, 1, 1001), (1, 10, 5, 1002), (2, 10, 2, 2002)]


@pytest.mark.parametrize("count", ["0", "-3"])
def test_a_count_is_above_zero(written: Any, count: str) -> None:
    data = written(f"user,item,plays\n1,10,2\n2,20,{count}\n", rating_is="count")
    with pytest.raises(DataError, match="is no count of events") as caught:
        read(data)
    assert caught.value.where == f"{data.ratings}:3"


@pytest.mark.parametrize("keys", [{}, {"rating_is": "count"}])
def test_a_number_that_is_too_large_is_refused_in_every_part(tmp_path: Path, keys: dict[str, str]) -> None:
    (tmp_path / "train.csv").write_text("user,item,rating\n1,10,2\n2,20,1\n1,30,3\n")
    (tmp_path / "test.csv").write_text("user,item,rating\n1,20,4\n2,10,2e37\n")
    data = Data.model_validate({"train": tmp_path / "train.csv", "test": tmp_path / "test.csv", **keys})
    with pytest.raises(DataError, match=r"the rating 2e\+37 is too large") as caught:
        read_ratings(data, ALONE)
    assert caught.value.where == f"{tmp_path / 'test.csv'}:3"


@pytest.mark.parametrize(
    ("code", "field"), [(0, "0"), (0, "0.0"), ("0", " 0"), ("NA", "NA"), ("", ""), ("", " "), (-1, "-1")]
)
def test_rows_with_a_code_have_no_rating(written: Any, code: Any, field: str) -> None:
    data = written(f"user,item,rating\n1,10,4\n2,20,{field}\n2,10,2\n2,30,1\n", no_rating=(code,))
    assert rows_of(read(data)) == [(1, 10, 4), (2, 20, None), (2, 10, 2), (2, 30, 1)]
    assert data.has_ratings
    dropped = written(
        f"user,item,rating\n1,10,4\n2,20,{field}\n2,10,2\n2,30,1\n", no_rating=(code,), no_rating_rows="drop"
    )
    assert rows_of(read(dropped)) == [(1, 10, 4), (2, 10, 2), (2, 30, 1)]


def test_a_rating_beats_the_clicks_of_its_pair(written: Any) -> None:
    dataset = read_ratings(written(MIXED, no_rating=(0,)), ALONE)
    assert rows_of(dataset.ratings) == [(1, 10, 4, 1001), (2, 20, None, 1004), (2, 10, None, 1003), (3, 20, 2, 1006)]
    assert dataset.n_duplicates == 2


def test_two_ratings_of_a_pair_are_refused_beside_clicks(written: Any) -> None:
    twice = MIXED + "3,20,5,1007\n"
    data = written(twice, no_rating=(0,), no_rating_rows="drop")
    with pytest.raises(DataError) as caught:
        read(data)
    assert caught.value.where == f"{data.ratings}:8"
    assert caught.value.what == "user 3 rated item 20 before, in line 7"
    last = read(written(twice, no_rating=(0,), duplicates="last"))
    assert rows_of(last)[-1] == (3, 20, 5, 1007)


def test_ratings_are_asked_for_where_all_rows_have_a_code(written: Any) -> None:
    with pytest.raises(DataError, match="none of the 2 training rows has a rating"):
        read(written("user,item,rating\n1,10,0\n2,20,0\n", no_rating=(0,)))


def test_codes_need_a_column_of_ratings() -> None:
    with pytest.raises(ConfigError, match="no_rating are codes in the rating column"):
        config_from({"data": {"ratings": "r.csv", "columns": CLICKS, "no_rating": [0]}}, Path())


PAIR = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3))


@settings(derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(PAIR, min_size=1, max_size=20))
def test_each_pair_has_its_rating_else_one_click(written: Any, rows: list[tuple[int, int, int]]) -> None:
    frame = [("a", "x", 7), ("b", "y", 8), *rows]
    text = "".join(f"{user},{item},{rating}\n" for user, item, rating in frame)
    ratings = read(written(f"user,item,rating\n{text}", no_rating=(0,), duplicates="first"))
    expected: dict[tuple[str, str], float | None] = {}
    for user, item, rating in frame:
        pair = (str(user), str(item))
        expected[pair] = expected.get(pair) or (rating or None)
    assert {(user, item): rating for user, item, rating in rows_of(ratings)} == expected
    assert len(ratings) == len(expected)


@pytest.mark.parametrize("keys", [{"columns": CLICKS}, {"rating_is": "count", "no_rating": (1,)}])
def test_ranks_read_the_same_events(written: Any, keys: dict[str, Any]) -> None:
    data = written(EVENTS, **keys)
    alone = rows_of(read(data))
    assert on_ranks(2, lambda communicator: rows_of(read_ratings(data, communicator).ratings)) == [alone, alone]


def test_a_missing_column_of_counts_is_asked_for_by_its_common_names(written: Any) -> None:
    with pytest.raises(DataError) as caught:
        read(written("user,item,price\n1,2,3\n2,3,1\n", rating_is="count"))
    assert caught.value.expected == "a name such as count, counts, plays, playcount"
