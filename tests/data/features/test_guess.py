"""What columns of a features file are taken for."""

from __future__ import annotations

import pytest

from recsys.data.features.guess import Guess, guess
from recsys.data.features.parse import BRACKETS, NumberForm
from recsys.data.features.table import FeatureColumn, Value

TITLES = ("Alien (1979)", "Heat (1995)", "Doctor Who (1963–)", "Godfather, The (1972)", "Untitled")
PROSE = ("A robot, a boy and the sea", "The sea, at night", "A boy meets the king", "Nobody, ever")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("1", "2.5", None, "7"), Guess("number")),
        (("1,5", "2", "7,25"), Guess("number", form=NumberForm(","))),
        ((*map(str, range(300)), "DK Publishing Inc"), Guess("number")),
        (("0", "1", "1", "0"), Guess("category")),
        (("true", "false", "true"), Guess("category")),
        (("01234", "99501", "99501"), Guess("category")),
        (("2019-01-31", "2020-05-01 12:30", None), Guess("date")),
        (("31.01.2019", "01.02.2020"), Guess("date", form=NumberForm(date="%d.%m.%Y"))),
        (("Comedy|Drama", "Drama", "Comedy|Horror"), Guess("list", separator="|")),
        (("rock, pop", "pop, jazz", "rock, jazz, pop", "soul"), Guess("list", separator=",")),
        (("['a', 'b']", "['b']", "[]"), Guess("list", separator=BRACKETS)),
        ((("a", "b"), ("b",), None), Guess("list")),
        (TITLES, Guess("year")),
        (("red", "blue", "red", "blue", "green"), Guess("category")),
        (("Smith, J", "Smith, J", "Doe, A", "Doe, A"), Guess("category")),
        (PROSE, Guess("text")),
        (("x", "y", "z"), Guess(None, "all rows have values of their own")),
        (("x", "x", "y", "z", "w", "v"), Guess(None, "most rows have values of their own")),
        (("x", "x"), Guess(None, "all rows have the same value")),
        ((None, "NA"), Guess(None, "no row has a value")),
        (("https://a.b/c d", "https://a.b/d d"), Guess(None, "these are addresses")),
    ],
)
def test_a_column_is_known_by_all_of_its_values(fields: tuple[Value | None, ...], expected: Guess) -> None:
    assert guess(FeatureColumn.of(fields)) == expected
