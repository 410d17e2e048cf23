"""Which arrays a layout refuses, and how it names them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from recsys.artifacts.check_arrays import LayoutError, check_arrays
from recsys.core.layout import ArraySpec, factors
from recsys.core.types import Arrays

LAYOUT = {
    "rows": factors(("n", 1), "dim"),
    "bias": ArraySpec("float32", (("n", 1),)),
    "start": ArraySpec("int64", (("n", 1),), starts="n_seen"),
    "seen": ArraySpec("int32", ("n_seen",), 0, ("n", -1)),
    "rating": ArraySpec("float32", ("n_seen",), nan=True),
    "ids": ArraySpec("int64", ("n",), rises=True),
    "pair": ArraySpec("float64", (2,), [0, 5], [1, 5]),
    "half": ArraySpec("float16", ("dim", "dim")),
    "std": ArraySpec("float32", ("n",), 1e-3, group="more"),
    "noise": ArraySpec("float32", ("n",), group="more"),
    "last": ArraySpec("float32", (1, ("dim", "n"))),
}

NOISE = np.array([1, 3e38, np.nan, 4, 5], np.float32)
NOISE.view(np.uint32)[2] = 0x7F800001  # a signaling NaN, before which np.fmax forgets what it has seen


@pytest.fixture
def arrays() -> Arrays:
    return {
        "rows": np.ones((4, 2), np.float32),
        "bias": np.zeros(4, np.float32),
        "start": np.array([0, 2, 2, 5]),
        "seen": np.array([0, 1, 2, 0, 1], np.int32),
        "rating": np.array([1, np.nan, 3, 4, 5], np.float32),
        "ids": np.array([-5, 0, 7]),
        "pair": np.array([0.5, 5]),
        "half": np.zeros((2, 2), np.float16),
        "std": np.ones(3, np.float32),
        "noise": np.ones(3, np.float32),
        "last": np.zeros((1, 5), np.float32),
    }


def test_numbers_follow_from_the_arrays(arrays: Arrays) -> None:
    numbers = {"n": 3, "dim": 2, "n_seen": 5}
    assert check_arrays(arrays, LAYOUT, {"n": 3}) == numbers
    assert check_arrays(arrays, LAYOUT, {}) == numbers


def test_a_group_is_there_or_not(arrays: Arrays) -> None:
    del arrays["std"], arrays["noise"]
    check_arrays(arrays, LAYOUT, {"n": 3})


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("rows", None, "lacks the array 'rows'"),
        ("noise", None, "lacks the array 'noise'"),
        ("new", np.zeros(1), "has an array 'new', which this version does not know"),
        ("rows", np.ones((3, 2), np.float32), "'rows' is float32 (3, 2), and not float32 (4, 2)"),
        ("rows", np.ones((4, 2)), "'rows' is float64 (4, 2), and not float32 (4, 2)"),
        ("rows", np.ones(4, np.float32), "'rows' is float32 (4,), and not float32 (4, dim)"),
        ("half", np.zeros((2, 3), np.float16), "'half' is float16 (2, 3), and not float16 (2, 2)"),
        ("last", np.zeros((1, 4), np.float32), "'last' is float32 (1, 4), and not float32 (1, 5)"),
        ("rows", np.array([[0, 1]] * 3 + [[0, np.nan]], np.float32), "'rows' holds nan at (3, 1)"),
        ("bias", np.array([0, np.inf, 0, 0], np.float32), "'bias' holds inf at (1,)"),
        ("bias", np.array([0, 0, -3e38, 0], np.float32), "'bias' holds -3e+38 at (2,)"),
        ("rating", NOISE, "'rating' holds 3e+38 at (1,)"),
        ("half", np.array([[0, 0], [np.inf, 0]], np.float16), "'half' holds inf at (1, 0)"),
        ("half", np.array([[0, 0], [0, -np.nan]], np.float16), "'half' holds nan at (1, 1)"),
        ("std", np.array([1, 0, 1], np.float32), "'std' holds 0 at (1,), and not a number from 0.001 to 1e+37"),
        ("seen", np.array([0, 1, 3, 0, 1], np.int32), "'seen' holds 3 at (2,), and not a number from 0 to 2"),
        ("seen", np.array([0, 1, -1, 0, 1], np.int32), "'seen' holds -1 at (2,)"),
        ("rating", np.array([1, 2, 3, -np.inf, np.nan], np.float32), "'rating' holds -inf at (3,)"),
        ("start", np.array([0, 2, 1, 5]), "'start' does not rise from 0 to 5"),
        ("start", np.array([1, 2, 2, 5]), "'start' does not rise from 0 to 5"),
        ("start", np.array([0, 2, 2, 6]), "'start' does not rise from 0 to 5"),
        ("ids", np.array([-5, 0, 0]), "'ids' does not rise"),
        ("pair", np.array([0.5, 4]), "'pair' holds 4 at (1,), and not a number from 5 to 5"),
    ],
)
def test_what_an_array_cannot_be_is_refused_and_named(
    arrays: Arrays, name: str, array: np.ndarray | None, message: str
) -> None:
    if array is None:
        del arrays[name]
    else:
        arrays[name] = array
    with pytest.raises(LayoutError, match=re.escape(message)):
        check_arrays(arrays, LAYOUT, {"n": 3})


def test_arrays_without_values_are_within_anything() -> None:
    check_arrays({"rating": np.empty(0, np.float32)}, {"rating": ArraySpec("float32", ("n",), 0, nan=True)}, {})
    nothing_rated = {"rating": np.full(3, np.nan, np.float32)}
    check_arrays(nothing_rated, {"rating": ArraySpec("float32", ("n",), nan=True)}, {})
