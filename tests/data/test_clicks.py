"""Events without a rating, counts of events, and files in which some rows have a rating."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import ALONE
from recsys.data.interactions import Interactions
from recsys.data.read import read_ratings

CLICKS = {"rating": False}


def read(data: Any) -> Interactions:
    return read_ratings(data, ALONE).ratings


@pytest.mark.parametrize("head", ["user,item,rating,time\n", "user,item,price,time\n"])
def test_no_rating_is_read_of_clicks(written: Any, head: str) -> None:
    data = written(f"{head}1,10,5,1000\n2,20,5,1001\n", columns=CLICKS)
    clicks = read(data)
    assert np.isnan(clicks.rating).all()
    assert clicks.rating.dtype == np.float32
    assert clicks.timestamp is not None
    assert clicks.timestamp.tolist() == [1000, 1001]
    assert not data.has_ratings


def test_the_third_column_of_clicks_without_a_header_is_a_time(written: Any) -> None:
    clicks = read(written("1,10,1000\n2,20,1001\n", columns=CLICKS))
    assert clicks.timestamp is not None
    assert clicks.timestamp.tolist() == [1000, 1001]


def test_counts_are_read_and_are_no_ratings(written: Any) -> None:
    data = written("user,item,rating\n1,10,5\n2,20,7\n", rating_is="count")
    assert read(data).rating.tolist() == [5, 7]
    assert not data.has_ratings
