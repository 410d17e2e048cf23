"""What `recsys init` sees in a file."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from recsys.core.errors import DataError
from recsys.data.file_profile import FileProfile, TimeSpan
from recsys.data.profile import check_trainable, profile
from recsys.data.rating_values import Scale

TEXT = "who,ISBN,Book-Rating,when,note\nann,034X,4.5,2001-01-01,a\nbob,0345,0.5,2001-01-02,b\nann,0345,3,2001-01-03,c\n"


def test_all_that_there_is_to_see(written: Any) -> None:
    data = written(gzip.compress(TEXT.replace(",", ";").encode()), columns={"user": "who"})
    seen = profile(data.ratings, data)
    assert seen.layout.facts == {
        "compression": "gzip",
        "encoding": "utf-8",
        "delimiter": ";",
        "header": True,
        "quotes": None,
        "decimal": None,
        "timestamp_format": None,
    }
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
    scale = profile(data.ratings, data).scale
    assert scale is not None
    assert scale.step == step


def test_two_columns_of_one_name_are_told_apart_by_position(written: Any) -> None:
    data = written("user,item,rating,rating\n1,1,1,2\n2,2,2,3\n")
    assert profile(data.ratings, data).layout.others == (4,)


def test_a_bad_row_is_refused_with_its_line(written: Any) -> None:
    data = written("user,item,rating\n1,1,x\n")
    with pytest.raises(DataError) as caught:
        profile(data.ratings, data)
    assert caught.value.where == f"{data.ratings}:2: column rating"


def test_an_index_in_front_is_left_out_and_users_that_never_repeat_are_noticed(written: Any) -> None:
    rows = "".join(f"{k},{k % 3},{k % 5},{k % 4 + 1}\n" for k in range(10))
    seen = profiled(written(rows))
    assert seen.layout.columns == {"user": 2, "item": 3, "rating": 4}
    assert "column 1 numbers the rows" in "\n".join(seen.describe())
    timed = profiled(written("".join(f"{k},{k % 5},{k % 4 + 1},{1_500_000_000 + k}\n" for k in range(10))))
    assert timed.layout.columns == {"user": 1, "item": 2, "rating": 3, "timestamp": 4}
    assert "no user has a second row" in "\n".join(timed.describe())


def profiled(data: Any) -> FileProfile:
    return profile(data.ratings, data)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("user,item,time\n1,2,1000\n2,3,1001\n", {"user": "user", "item": "item", "timestamp": "time"}),
        ("user,item,price\n1,2,9.5\n2,3,7\n", {"user": "user", "item": "item"}),
        ("1,2\n2,3\n", {"user": 1, "item": 2}),
        ("1,2,1600000000\n2,3,1600000001\n", {"user": 1, "item": 2, "timestamp": 3}),
        ("1,2,2024-01-31\n2,3,2024-02-01\n", {"user": 1, "item": 2, "timestamp": 3}),
        ("1,2,31.01.2024\n2,3,01.02.2024\n", {"user": 1, "item": 2, "timestamp": 3}),
    ],
)
def test_a_file_without_ratings_holds_clicks(written: Any, text: str, columns: dict[str, Any]) -> None:
    clicks = profiled(written(text))
    assert (clicks.meaning, clicks.scale, clicks.layout.columns) == ("clicks", None, columns)
    assert clicks.describe()[0].endswith("2 clicks of 2 items by 2 users")


def test_a_name_for_counts_is_enough(written: Any) -> None:
    counts = profiled(written("user,artist,play_count\n1,2,3\n2,3,1\n1,2,2\n"))
    assert (counts.meaning, counts.layout.columns["rating"], counts.n_duplicates) == ("counts", "play_count", 1)


def test_a_named_column_of_ratings_is_one(written: Any) -> None:
    assert profiled(written("user,item,plays\n1,2,3\n2,3,1\n", columns={"rating": "plays"})).meaning == "ratings"


def test_a_misspelt_rating_is_no_click(written: Any) -> None:
    with pytest.raises(DataError, match="no column of ratings was found"):
        profiled(written("user,item,raitng\n1,2,3\n2,3,1\n"))


def test_rows_without_a_rating_are_counted_and_are_no_duplicates(written: Any) -> None:
    mixed = profiled(written("user,item,rating\n1,2,3\n1,2,\n2,3,NA\n2,2,5\n2,2,4\n"))
    assert (mixed.meaning, mixed.n_ratings, mixed.n_without_rating, mixed.n_duplicates) == ("ratings", 5, 2, 1)
    assert set(mixed.codes) >= {"", "NA"}
    assert mixed.scale is not None
    assert mixed.scale.low == 3
    assert profiled(written("user,item,rating\n1,2,\n2,3,\n")).meaning == "clicks"


def test_likely_codes_stay_ratings(written: Any) -> None:
    books = profiled(written("user,item,rating\n1,1,0\n1,2,0\n2,3,1\n2,2,9\n"))
    assert (books.meaning, books.codes, books.n_without_rating) == ("ratings", (), 0)
    assert books.to_dict()["likely_no_rating"] == [0]
    assert '0 (50% of the ratings) may stand for "no rating"' in "\n".join(books.describe())


HEAD = "user,item,rating,timestamp\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("user,item,rating\nNULL,1,1\n7,2,2\nNULL,3,3\n", "the user id of 2 rows is NULL"),
        ("user,item,rating\n1.0,1,1\n7.0,2,2\nnan,3,3\n", "the user id of 1 row is nan"),
        (f"{HEAD}1,1,1,5\n2,2,2,9\n", "no time is after 1979"),
        (f"{HEAD}1,1,1,4000000000\n2,2,2,1400000000\n", "the last time is in the future"),
        (f"{HEAD}1,1,1,0\n2,2,2,1400000000\n3,3,3,1400000000\n", "1 row with the time 0 or -1"),
        (f"{HEAD}1,1,1,\n2,2,2,\n", "no times"),
        (f"{HEAD}1,1,1,2\n2,2,2,3\n1,1,3,1\n", "1 row rates a pair again: duplicates is set to newest"),
        (f"{HEAD}1,1,1,2\n2,2,2,3\n1,1,3,2\n", "1 row rates a pair again: duplicates is set to last"),
        (HEAD + "1,1,1,2\n2,2,2,3\n" * 3, "are these the columns of the users and the items?"),
        (
            "user,item,rating\n" + "".join(f"{k},{k % 7},{k % 5 + 1}\n" for k in range(150)) + "1,9,50\n",
            "a rating of 50 lies far above the others",
        ),
        ("user,item,rating\n1,1,1400000000\n2,2,1400000100\n", "these look like times"),
        ("user,item,rating\n1,1,100000003\n2,2,100000016\n", "ratings from 100,000,000 to 100,000,016"),
        ("2024-01-01,1,1,3\n2024-01-02,2,2,4\n", "the user ids look like dates"),
        (",user,item,rating\n0,1,1,3\n1,2,2,4\n", "column 1 has no name"),
        ("Export\n\nuser,item,rating\n1,1,3\n2,2,4\n", "a header, rows from line 4"),
    ],
)
def test_what_is_odd_is_said(written: Any, text: str, line: str) -> None:
    assert line in "\n".join(profiled(written(text)).describe())


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("1,2,3\n", "there is one row, of a single user"),
        ("1,2,3\n1,3,4\n", "all 2 rows are of a single user"),
        ("1,2,3\n2,2,4\n", "all 2 rows are of a single item"),
        ("1,2,1e30\n2,3,3e30\n", "the ratings reach from 1e+30 to 3e+30"),
        (
            "1,2,100000001\n2,3,100000005\n",
            "the ratings, from 100,000,000 to 100,000,008, are too large to tell them apart in single precision",
        ),
    ],
)
def test_what_train_would_refuse_is_refused(written: Any, rows: str, what: str) -> None:
    with pytest.raises(DataError) as caught:
        check_trainable(profiled(written(f"user,item,rating\n{rows}")))
    assert caught.value.what == what


def test_counts_below_zero_are_refused(written: Any) -> None:
    with pytest.raises(DataError, match="the counts reach from -1 to 3"):
        check_trainable(profiled(written("user,item,plays\n1,2,-1\n2,3,3\n")))
    with pytest.raises(DataError, match="all counts are 0"):
        check_trainable(profiled(written("user,item,plays\n1,2,0\n2,3,0\n")))


def test_an_error_after_a_guess_says_so(written: Any) -> None:
    with pytest.raises(DataError, match="no column of user ids") as caught:
        profiled(written("qui,où,combien\n1,2,3\n".encode("latin-1")))
    assert "the encoding cp1252 is a guess" in str(caught.value.hint)
