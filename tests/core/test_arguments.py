"""What arguments of the API may be, and what is said of those that are not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recsys.core import arguments
from recsys.core.arguments import ID, IDS, RATINGS, choice, count, listed, optional, options
from recsys.core.checked import Rule, accepted, checked
from recsys.core.errors import UsageError

THREE = listed(count(most=9), "up to three of them", least=1, most=3)
KEYS = options(k=count(), new=arguments.FLAG)


@pytest.mark.parametrize(
    ("rule", "value", "becomes"),
    [
        (ID, np.float64(31.0), 31),
        (ID, np.int32(31), 31),
        (ID, np.str_("31"), "31"),
        (ID, 1.5, "1.5"),
        (ID, np.array(31), 31),
        (ID, pa.scalar(31), 31),
        (IDS, pd.Series([31.0, 32.0]), [31, 32]),
        (IDS, np.array([31, 32]), [31, 32]),
        (IDS, pa.chunked_array([[31], ["32"][:0]], type=pa.int64()), [31]),
        (IDS, (item for item in (31, "32")), [31, "32"]),
        (IDS, range(2), [0, 1]),
        (RATINGS, [5, np.float32(0.5)], [5.0, 0.5]),
        (count(), np.int64(3), 3),
        (optional(count()), None, None),
        (arguments.FLAG, np.True_, True),
        (arguments.PATH, Path("a"), Path("a")),
        (KEYS, {"k": np.int64(3), "new": True}, {"k": 3, "new": True}),
        (arguments.ANY_IDS, {4}, [4]),
        (arguments.FILE_NAME, "epoch-0004", "epoch-0004"),
    ],
)
def test_a_value_is_taken_as_pythons_own(rule: Rule, value: Any, becomes: Any) -> None:
    taken = accepted("x", value, rule)
    assert taken == becomes
    assert type(taken) is type(becomes)


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, np.nan])
def test_a_missing_rating_is_nan_and_a_missing_id_is_refused(missing: Any) -> None:
    assert math.isnan(accepted("ratings", [missing], RATINGS)[0])
    with pytest.raises(UsageError, match=r"^ids\[1\] is (None|nan)\n"):
        accepted("ids", [1, missing], IDS)


@pytest.mark.parametrize(
    ("rule", "value", "says"),
    [
        (ID, True, "x is True"),
        (ID, b"31", "x is b'31'"),
        (ID, [31], "x is of the type list"),
        (ID, 2.0**60, "x is 1.152921504606847e+18"),
        (IDS, "31", "x is '31'"),
        (IDS, 31, "x is 31"),
        (IDS, {31: 5}, "x is of the type dict"),
        (IDS, pd.DataFrame({"item": [31]}), "x is of the type DataFrame"),
        (IDS, np.array([[31]]), "x is of the type ndarray"),
        (IDS, [31, True], "x[1] is True"),
        (RATINGS, [5, math.inf], "x[1] is inf"),
        (RATINGS, ["5"], "x[0] is '5'"),
        (RATINGS, np.array([[5.0]]), "x is of the type ndarray"),
        (count(), 0, "x is 0"),
        (count(), True, "x is True"),
        (count(), 2.0, "x is 2.0"),
        (count(), np.float32(0.5), "x is 0.5"),
        (count(), 10**12, "x is 1000000000000"),
        (arguments.NUMBER, "0.9", "x is '0.9'"),
        (arguments.NUMBER, math.nan, "x is nan"),
        (arguments.FLAG, 1, "x is 1"),
        (arguments.TEXT, "", "x is ''"),
        (arguments.FILE_NAME, "../other", "x is '../other'"),
        (arguments.FILE_NAME, "..", "x is '..'"),
        (arguments.FILE_NAME, "a\0b", r"x is 'a\x00b'"),
        (IDS, {31}, "x is of the type set"),
        (arguments.PATH, "", "x is ''"),
        (arguments.PATH, b"a", "x is b'a'"),
        (arguments.PATH, "a\0b", r"x is 'a\x00b'"),
        (arguments.PATH, "a" * 5_000, "x is 'aaaa"),
        (arguments.OBSERVER, "print", "x is 'print'"),
        (arguments.TEXTS, "a=b", "x is 'a=b'"),
        (choice("error", "mean"), "maen", "x is 'maen'"),
        (KEYS, True, "x is True"),
        (KEYS, {"kk": 3}, "x has a key 'kk'"),
        (KEYS, {"k": 0}, "x['k'] is 0"),
        (THREE, [], "x has 0 entries"),
        (THREE, [1, 2, 3, 4], "x has 4 entries"),
    ],
)
def test_what_is_refused_is_named_with_its_value_and_what_was_expected(rule: Rule, value: Any, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        accepted("x", value, rule)
    assert caught.value.what.startswith(says)
    assert caught.value.expected == ("a whole number from 1 to 1,000,000" if "['k']" in says else rule.expected)


def test_the_value_that_was_probably_meant_is_the_hint() -> None:
    for rule, value, hint in (
        (choice("error", "mean"), "maen", "did you mean 'mean'?"),
        (KEYS, {"kk": 3}, "did you mean 'k'?"),
        (IDS, "31", "a list of one: ['31']"),
    ):
        with pytest.raises(UsageError) as caught:
            accepted("x", value, rule)
        assert caught.value.hint == hint


def test_a_checked_function_is_called_with_what_was_accepted() -> None:
    @checked(n=count(), items=IDS)
    def listed_items(n: int, *, items: list[int | str], other: str = "") -> tuple[Any, ...]:
        return n, items, other

    assert listed_items(np.int64(2), items=(1, 2.0), other="as it stands") == (2, [1, 2], "as it stands")
    with pytest.raises(UsageError, match="n is 0"):
        listed_items(0, items=[])
    with pytest.raises(TypeError, match="unexpected keyword argument 'm'"):
        listed_items(1, items=[], m=1)


@pytest.mark.parametrize("entries", [[10**5000], ["a", 10**5000]], ids=["alone", "beside a text"])
def test_a_whole_number_without_end_is_no_id(entries: list[Any]) -> None:
    with pytest.raises(UsageError, match=r"ids\[\d\] is 0x31e2") as caught:
        accepted("ids", entries, IDS)
    assert caught.value.hint == "pass so long an id as text"
