from __future__ import annotations

import pytest

from recsys.core.errors import UsageError
from recsys.core.types import Texts
from recsys.data.sources.table import as_texts
from recsys.inference.conditions import Condition

COLUMNS: dict[str, Texts] = {
    "genres": as_texts(["Comedy", "Comedy|War", "War", "", "Come"]),
    "year": as_texts(["1990", "2000.0", "", "unknown", "1989.5"]),
    "made in": as_texts(["FR", "a=b", "DE", "DE|FR", "1e3"]),
}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("genres=Comedy", [0, 1]),
        ("genres == Comedy", [0, 1]),
        ("genres=Comedy|War", [1]),
        ("genres!=Comedy", [2, 4]),  # a missing value meets nothing
        ("year=2000", [1]),
        ("year!=2000", [0, 3, 4]),
        ("year<1990", [4]),
        ("year <= 1990", [0, 4]),
        ("year>1990", [1]),
        ("year>=1.99e3", [0, 1]),
        ("made in=a=b", [1]),
        ("made in=FR", [0, 3]),
    ],
)
def test_a_condition_is_met_by_equal_texts_members_and_numbers(text: str, met: list[int]) -> None:
    assert Condition.parse(text).met_by(COLUMNS).nonzero()[0].tolist() == met


@pytest.mark.parametrize("text", ["genres", "=Comedy", "genres=", " =x", "year<new", "year>nan", ""])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Condition.parse(text)
    assert caught.value.exit_code == 2
    assert "genres=Comedy" in str(caught.value.expected)


def test_a_column_that_is_not_there_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no column 'genre'") as caught:
        Condition.parse("genre=Comedy").met_by(COLUMNS)
    assert caught.value.hint == "did you mean 'genres'?"
    with pytest.raises(UsageError) as caught:
        Condition.parse("genre=Comedy").met_by({})
    assert caught.value.hint == "train with data.items: FILE"


def test_numbers_are_not_compared_with_a_column_of_texts() -> None:
    with pytest.raises(UsageError, match="'genres' holds no numbers") as caught:
        Condition.parse("genres>3").met_by(COLUMNS)
    assert caught.value.hint == 'such as "genres=Comedy"'
