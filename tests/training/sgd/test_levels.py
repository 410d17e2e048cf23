"""Ratings numbered by a byte, where there are few different ones."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.scale import Scale
from recsys.training.sgd.levels import Levels, standardised


def test_numbers_stand_for_values_in_the_order_in_which_they_came() -> None:
    levels = Levels()
    for values, codes in (([4, 2, 4], [0, 1, 0]), ([2, -0.0, 0.0, 4], [1, 2, 3, 0])):
        np.testing.assert_array_equal(levels.codes(np.array(values, np.float32)), codes)  # type: ignore[arg-type]
    assert levels.values.tobytes() == np.array([4, 2, -0.0, 0.0], np.float32).tobytes()


@pytest.mark.parametrize("values", [np.arange(256), rng(1, "levels").normal(size=256)])
def test_a_byte_tells_256_values_apart_and_no_more(values: Array) -> None:
    levels, drawn = Levels(), rng(2, "levels").permutation(np.tile(values.astype(np.float32), 3))
    codes = levels.codes(drawn)
    assert codes is not None
    np.testing.assert_array_equal(levels.values[codes], drawn)
    assert levels.codes(np.array([1e6], np.float32)) is None
    assert levels.are_too_many
    assert levels.codes(drawn) is None
    assert len(levels.values) == len(standardised(levels, Scale(1, 2, 0, 9)).values) == 0


def test_values_that_are_one_when_standardised_have_one_number() -> None:
    levels = Levels()
    levels.codes(np.array([5, np.nextafter(np.float32(5), np.float32(6)), 1], np.float32))
    values = standardised(levels, Scale(1000, 2, 0, 9)).values
    np.testing.assert_array_equal(values, np.array([-497.5, -499.5], np.float32))
