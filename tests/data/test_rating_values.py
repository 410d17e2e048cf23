"""What the numbers in a column of ratings look like."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.data.rating_values import Meaning, RatingValues


def values(*rating: float) -> RatingValues:
    return RatingValues.of(np.array(rating, dtype=np.float32))


@pytest.mark.parametrize(
    ("rating", "meaning"),
    [
        ([1, 1, 1], "clicks"),
        ([1, 2, 3, 4, 5], "ratings"),
        ([0.5, 1, 5], "ratings"),
        ([1] * 50 + [10], "ratings"),
        ([-10, 0, 10, 99], "ratings"),
        ([10, 50, 70, 100], "ratings"),
        ([1, 1, 2, 3, 1, 250], "counts"),
        ([1, 2, 3, 4, 5, 99, 99], "ratings"),
        ([1, 2, 3, 4, 5] * 30 + [50], "ratings"),
        ([*range(1, 20)] * 30 + [500], "counts"),
        ([1] * 20 + [2] * 20 + [99], "counts"),
        ([1.5, 1, 2, 3, 1, 250], "ratings"),
        ([0, 1, 2, 3, 1, 250], "ratings"),
    ],
)
def test_counts_are_whole_numbers_from_one_with_a_long_tail(rating: list[float], meaning: Meaning) -> None:
    assert values(*rating).looks_like == meaning


def test_plays_look_like_counts_and_a_skewed_scale_of_ten_does_not() -> None:
    plays = np.ceil(rng(1, "plays").lognormal(1, 1.5, 5000)).astype(np.float32)
    assert RatingValues.of(plays).looks_like == "counts"
    assert RatingValues.of(np.minimum(plays, 10)).looks_like == "ratings"


@pytest.mark.parametrize(
    ("rating", "codes"),
    [
        ([0, 0, 0, 1, 2, 8, 10], (0,)),
        ([0, 0, 2, 8, 10], (0,)),
        ([0, 0, 1, 1, 2, 10], ()),
        ([0, 0, 0, 0.5, 1, 5], ()),
        ([0, 0, 1, 20], ()),
        ([-1, 1, 5, 10], (-1,)),
        ([-1, 1, 1, -1], ()),
        ([-1, 0, 1], ()),
        ([-9.5, 3, 10, 99], (99,)),
        ([1, 2, 3, 4, 5, 99, 99], (99,)),
        ([1, 2, 3, 4, 5, -9, -999], (-9, -999)),
        ([1, 2, 3, 999], (999,)),
        ([1] * 20 + [2] * 20 + [99], ()),
        ([1, 50, 99, 100], ()),
        ([1, 2, 5, 255], (255,)),
        ([0, 0, -1, 1, 5, 99], (0, -1, 99)),
        ([1, 2, 3], ()),
    ],
)
def test_codes_lie_outside_the_scale(rating: list[float], codes: tuple[int, ...]) -> None:
    assert values(*rating).likely_codes == codes


def test_the_share_of_codes_is_that_of_the_rows() -> None:
    assert values(0, 0, 0, 1, 2, 10).share_of_codes == 0.5
    assert values(1, 2, 3).share_of_codes == 0
