"""Pairs that occur more than once: found, refused with both lines, or reduced to one row."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config.schema.data import Data
from recsys.core import kernels
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data import duplicates
from recsys.data.duplicates import repeated
from recsys.data.read import read_ratings

TEXT = "user,item,rating\n1,1,1\n\n2,1,2\n1,1,3\n2,2,4\n1,1,5\n"


def test_the_first_repetition_is_refused_with_both_lines(written: Any) -> None:
    data = written(TEXT)
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert caught.value.where == f"{data.ratings}:5"
    assert caught.value.what == "user 1 rated item 1 before, in line 2; 2 rows repeat an earlier pair"
    assert "data.duplicates" in str(caught.value.hint)


@pytest.mark.parametrize(("keep", "ratings"), [("first", [1, 2, 4]), ("last", [2, 4, 5])])
def test_one_row_of_each_pair_is_kept(written: Any, keep: str, ratings: list[float]) -> None:
    dataset = read_ratings(written(TEXT, duplicates=keep), ALONE)
    assert dataset.ratings.rating.tolist() == ratings
    assert dataset.n_duplicates == 2
    assert dataset.given is None


@pytest.mark.parametrize("times", [[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [3, 1, 5, 2, 4], [2, 2, 2, 2, 2]])
def test_the_newest_row_of_each_pair_is_kept(written: Any, times: list[int]) -> None:
    rows = [(1, 1, 1), (2, 1, 2), (1, 1, 3), (2, 2, 4), (1, 1, 5)]
    text = "".join(f"{user},{item},{rating},{t}\n" for (user, item, rating), t in zip(rows, times, strict=True))
    dataset = read_ratings(written(f"user,item,rating,timestamp\n{text}", duplicates="newest"), ALONE)
    newest = max((t, rating) for (user, item, rating), t in zip(rows, times, strict=True) if (user, item) == (1, 1))[1]
    assert sorted(dataset.ratings.rating.tolist()) == sorted([2, 4, newest])


def test_the_newest_row_needs_times(written: Any) -> None:
    with pytest.raises(DataError, match="no times"):
        read_ratings(written(TEXT, duplicates="newest"), ALONE)


def given_parts(tmp_path: Path, **options: Any) -> Data:
    (tmp_path / "train.csv").write_text("user,item,rating\n1,1,1\n2,2,2\n3,3,3\n")
    (tmp_path / "test.csv").write_text("user,item,rating\n3,1,1\n2,2,5\n")
    return Data.model_validate({"train": tmp_path / "train.csv", "test": tmp_path / "test.csv", **options})


def test_a_pair_in_two_files_is_refused_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_ratings(given_parts(tmp_path), ALONE)
    assert caught.value.where == f"{tmp_path / 'test.csv'}:3"
    assert caught.value.what == f"user 2 rated item 2 before, in {tmp_path / 'train.csv'}:3"


def test_the_parts_shrink_with_their_rows(tmp_path: Path) -> None:
    first = read_ratings(given_parts(tmp_path, duplicates="first"), ALONE)
    assert first.given == {"train": slice(0, 3), "test": slice(3, 4)}
    last = read_ratings(given_parts(tmp_path, duplicates="last"), ALONE)
    assert last.given == {"train": slice(0, 2), "test": slice(2, 4)}
    assert last.ratings.rating.tolist() == [1, 3, 1, 5]


@settings(derandomize=True)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30),
    scale=st.sampled_from([1, 500_000_000]),
)
def test_every_repetition_is_found(pairs: list[tuple[int, int]], scale: int) -> None:
    user = np.array([first for first, _ in pairs], dtype=np.int32) * np.int32(scale)
    item = np.array([second for _, second in pairs], dtype=np.int32) * np.int32(scale)
    double = repeated(user, item, n_items=3 * scale + 1)
    if scale == 1:
        with mock.patch.object(kernels, "WORTHWHILE", 0), mock.patch.object(duplicates, "SPARSE", 0):
            assert (repeated(user, item, n_items=4) is None) == (double is None)
    again = [row for row, pair in enumerate(pairs) if pair in pairs[:row]]
    later = [row for row, pair in enumerate(pairs) if pair in pairs[row + 1 :]]
    if double is None:
        assert not again
        return
    assert sorted(double.dropped(keep="first").tolist()) == again
    assert sorted(double.dropped(keep="last").tolist()) == later
    earlier, row = double.earliest()
    assert row == again[0]
    assert earlier == pairs.index(pairs[row])
