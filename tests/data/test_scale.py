from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recsys.data.ratings import Ratings
from recsys.data.scale import Scale

Rated = Callable[..., Ratings]


def test_the_scale_is_that_of_the_ratings(rated: Rated) -> None:
    scale = rated([(1, 1, -2.0), (1, 2, 0.0), (2, 1, 2.0), (2, 2, 4.0)]).scale
    assert scale == Scale(mean=1.0, std=pytest.approx(5**0.5), low=-2.0, high=4.0)


def test_standardised_ratings_have_mean_0_and_deviation_1(rated: Rated) -> None:
    ratings = rated([(n, n % 3, n * n / 7) for n in range(20)])
    standard = ratings.scale.standardise(ratings.rating)
    assert standard.dtype == np.float32
    assert standard.mean() == pytest.approx(0, abs=1e-6)
    assert standard.std() == pytest.approx(1, abs=1e-6)
    assert ratings.rating[1] == np.float32(1 / 7)  # the column itself stays as it was


def test_equal_ratings_are_not_divided_by_zero(rated: Rated) -> None:
    assert rated([(1, 1, 3.0), (2, 2, 3.0)]).scale == Scale(3.0, 1.0, 3.0, 3.0)
