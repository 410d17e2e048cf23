from __future__ import annotations

from collections.abc import Callable

import pytest

from recsys.data.interactions import Interactions
from recsys.data.scale import Scale

Rated = Callable[..., Interactions]


def test_the_scale_is_that_of_the_ratings(rated: Rated) -> None:
    scale = rated([(1, 1, -2.0), (1, 2, 0.0), (2, 1, 2.0), (2, 2, 4.0)]).scale
    assert scale == Scale(mean=1.0, std=pytest.approx(5**0.5), low=-2.0, high=4.0)


def test_equal_ratings_are_not_divided_by_zero(rated: Rated) -> None:
    assert rated([(1, 1, 3.0), (2, 2, 3.0)]).scale == Scale(3.0, 1.0, 3.0, 3.0)
