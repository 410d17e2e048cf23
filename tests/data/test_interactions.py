from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recsys.data.interactions import Interactions

Rated = Callable[..., Interactions]


@pytest.fixture
def three(rated: Rated) -> Interactions:
    return rated([("ann", 5, 4.0, 10), ("bob", 6, 2.5, 20), ("ann", 7, 1.0, 30)])


def test_take_selects_by_mask_positions_and_slice_alike(three: Interactions) -> None:
    for rows in (np.array([False, True, True]), np.array([1, 2]), slice(1, None)):
        taken = three.take(rows)
        assert taken.rating.tolist() == [2.5, 1.0]
        assert taken.user_idx.tolist() == [1, 0]
        assert taken.timestamp is not None
        assert taken.timestamp.tolist() == [20, 30]
        assert taken.users is three.users


def test_take_of_ratings_without_times_has_none(rated: Rated) -> None:
    assert rated([(1, 1, 3.0), (2, 2, 4.0)]).take(slice(0, 1)).timestamp is None


def test_unknown_users_and_items_are_counted_by_ratings(three: Interactions) -> None:
    part = replace(three, user_idx=np.array([-1, -1, 0], dtype=np.int32), item_idx=np.array([-1, 0, 1], dtype=np.int32))
    assert (part.n_unknown_users, part.n_unknown_items) == (2, 1)
    assert (three.n_unknown_users, three.n_unknown_items) == (0, 0)


def test_ratings_are_frozen(three: Interactions) -> None:
    with pytest.raises(AttributeError):
        three.rating = three.rating[:1]  # type: ignore[misc]


def test_a_frame_shows_raw_ids(three: Interactions) -> None:
    frame = three.to_frame()
    assert list(frame.columns) == ["user_id", "item_id", "rating", "timestamp"]
    assert frame.values.tolist() == [["ann", 5, 4.0, 10.0], ["bob", 6, 2.5, 20.0], ["ann", 7, 1.0, 30.0]]


def test_a_frame_of_ratings_without_times_has_no_such_column(rated: Rated) -> None:
    assert list(rated([(1, 1, 3.0), (2, 2, 4.0)]).to_frame().columns) == ["user_id", "item_id", "rating"]


def test_rows_without_a_rating_are_left_out_of_those_rated(three: Interactions) -> None:
    partly = replace(three, rating=np.array([4.0, np.nan, 1.0], np.float32))
    assert partly.has_rating.tolist() == [True, False, True]
    assert partly.rated().rating.tolist() == [4.0, 1.0]
    assert partly.rated().item_idx.tolist() == [0, 2]
    assert three.rated() is three


def test_entries_without_rows_elsewhere_become_unknown(three: Interactions) -> None:
    seen = three.take(slice(0, 1))
    assert (seen.counted.users.tolist(), seen.counted.items.tolist()) == ([True, False], [True, False, False])
    known = three.known_to(seen)
    assert known.user_idx.tolist() == [0, -1, 0]
    assert known.item_idx.tolist() == [0, -1, -1]
    assert three.known_to(three).user_idx is three.user_idx
