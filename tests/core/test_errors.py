from __future__ import annotations

import inspect

import pytest

from recsys.core import errors
from recsys.core.errors import ConfigError, DataError, RecsysError, RunError, nearest

EXIT_CODES = {
    "MissingExtraError": 2,
    "UsageError": 2,
    "ConfigError": 2,
    "DataError": 3,
    "RunError": 4,
    "DamagedError": 4,
    "LostRankError": 4,
    "UnknownIdError": 5,
    "DivergedError": 6,
    "BelowBaselineError": 7,
    "OutOfMemoryError": 8,
    "StoppedError": 130,
    "TerminatedError": 143,
    "HangupError": 129,
}


def test_every_error_has_the_exit_code_of_the_contract() -> None:
    tree = {
        name: kind.exit_code
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, RecsysError) and kind is not RecsysError
    }
    assert tree == EXIT_CODES


def test_every_error_below_the_root_has_a_kind_of_its_own() -> None:
    kinds = [kind.kind for kind in (getattr(errors, name) for name in EXIT_CODES) if RunError not in kind.__bases__]
    assert len(set(kinds)) == len(kinds)


def test_an_error_says_where_what_expected_and_hint_in_lines() -> None:
    error = DataError("'x' is not a number", where="a.csv:3: rating", expected="a number", hint="mend the line")
    assert str(error) == "a.csv:3: rating: 'x' is not a number\nexpected a number\nhint: mend the line"


def test_an_error_leaves_out_what_it_does_not_know() -> None:
    assert str(DataError("nothing here")) == "nothing here"


def test_an_error_shows_the_others_of_the_same_pass() -> None:
    first = ConfigError("one", where="a.yaml:1", more=[ConfigError("two", where="a.yaml:2")])
    assert str(first) == "a.yaml:1: one\na.yaml:2: two"


@pytest.mark.parametrize(
    ("word", "expected"), [("user_ID", "user_id"), ("raitng", "rating"), ("RATING", "rating"), ("zzz", None)]
)
def test_nearest_finds_what_was_probably_meant(word: str, expected: str | None) -> None:
    assert nearest(word, ["user_id", "item_id", "rating"]) == expected


def test_nearest_of_nothing_is_none() -> None:
    assert nearest("rating", []) is None


def test_nearest_gives_the_candidate_as_it_is_written() -> None:
    assert nearest("movieid", ["movieId", "userId"]) == "movieId"
