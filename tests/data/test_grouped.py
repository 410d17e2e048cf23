"""Views by user and by item against a stable argsort of the rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recsys.core import kernels
from recsys.core.seeding import rng
from recsys.data import chunks, counting_sort, grouped
from recsys.data.grouped import GroupedView, columns_by
from recsys.data.interactions import Interactions

Rated = Callable[..., Interactions]


@pytest.fixture
def unsorted(rated: Rated) -> Interactions:
    return rated([("ann", 7, 1.0), ("bob", 6, 2.0), ("ann", 5, 3.0), ("bob", 7, 4.0), ("ann", 6, 5.0)])


def view_of(own: list[int], n: int) -> GroupedView:
    idx = np.array(own, np.int32)
    return GroupedView.of(idx, np.arange(len(own), dtype=np.int32), np.bincount(idx, minlength=n))


def test_each_user_has_their_rows_in_order(unsorted: Interactions) -> None:
    view = unsorted.by_user()
    assert view.start.tolist() == [0, 3, 5]
    assert view.row.tolist() == [0, 2, 4, 1, 3]
    assert view.other_idx.tolist() == unsorted.item_idx[view.row].tolist() == [2, 0, 1, 1, 2]
    assert view.counts.tolist() == unsorted.user_counts.tolist()


def test_each_item_has_its_rows_in_order(unsorted: Interactions) -> None:
    view = unsorted.by_item()
    assert view.row.tolist() == [2, 1, 4, 0, 3]
    assert view.other_idx.tolist() == [0, 1, 0, 0, 1]


def test_a_view_is_computed_once(unsorted: Interactions) -> None:
    assert unsorted.by_user() is unsorted.by_user()
    assert unsorted.take(slice(0, 2)).by_user() is not unsorted.by_user()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000])
def test_a_view_is_the_stable_order_whatever_the_length_of_a_chunk(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", length)
    draw = rng(1, "grouped")
    own, other = (draw.integers(0, 9, 500, dtype=np.int32) for _ in range(2))
    view = GroupedView.of(own, other, np.bincount(own, minlength=12))
    order = np.argsort(own, kind="stable")
    np.testing.assert_array_equal(view.row, order)
    np.testing.assert_array_equal(view.other_idx, other[order])
    assert (view.row.dtype, view.start.dtype, view.other_idx.dtype) == (np.int64, np.int64, np.int32)


@pytest.mark.parametrize("name", ["compiled", "keys", "argsort"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_every_way_to_group_gives_the_stable_order(name: str, n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "WORTHWHILE", 0 if name == "compiled" else 10**9)
    monkeypatch.setattr(counting_sort, "ROWS_PER_THREAD", 100)
    monkeypatch.setattr(counting_sort, "usable_cores", lambda: n_threads)
    monkeypatch.setattr(grouped, "KEY_BITS", 9 if name == "argsort" else 63)  # as with more than 2³² rows
    draw = rng(2, "grouped")
    own, other = (draw.integers(0, 9, 500, dtype=np.int32) for _ in range(2))
    own.flags.writeable = other.flags.writeable = False
    rating = draw.random(500, dtype=np.float32)
    counts, order = np.bincount(own, minlength=12), np.argsort(own, kind="stable")
    view = GroupedView.of(own, other, counts)
    np.testing.assert_array_equal(view.row, order)
    np.testing.assert_array_equal(view.other_idx, other[order])
    assert (view.row.dtype, view.other_idx.dtype) == (np.int64, np.int32)
    columns = columns_by(own, counts, [other, rating, rating[::-1]])
    for column, given in zip(columns, (other, rating, rating[::-1]), strict=True):
        np.testing.assert_array_equal(column, given[order])
        assert column.dtype == given.dtype


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_descent_between_two_chunks_is_sorted(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", length)
    assert view_of([1, 2, 3, 0], 4).row.tolist() == [3, 0, 1, 2]
    assert view_of([3, 0, 1, 2], 4).row.tolist() == [1, 2, 3, 0]


def test_rows_in_order_already_are_not_copied() -> None:
    own, other = np.array([0, 0, 2], np.int32), np.array([5, 1, 3], np.int32)
    view = GroupedView.of(own, other, np.array([2, 0, 1]))
    assert view.other_idx is other
    assert view.row.tolist() == [0, 1, 2]


def test_an_entry_without_interactions_is_empty() -> None:
    view = view_of([2, 0, 2], 4)
    assert view.start.tolist() == [0, 1, 1, 3, 3]
    assert view.counts.tolist() == [1, 0, 2, 0]


def test_pairs_name_the_position_of_each_user_and_their_items() -> None:
    view = view_of([2, 0, 2, 1], 4)
    position, other = view.pairs(np.array([3, 2, 0, 2], np.int32))
    assert position.tolist() == [1, 1, 2, 3, 3]
    assert other.tolist() == [0, 2, 1, 0, 2]
    assert [len(array) for array in view.pairs(np.array([3], np.int32))] == [0, 0]


def test_no_interactions_make_an_empty_view() -> None:
    view = view_of([], 3)
    assert view.start.tolist() == [0, 0, 0, 0]
    assert len(view.row) == len(view.other_idx) == 0
