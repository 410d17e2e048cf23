from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.core.seeding import rng
from recsys.scoring.top import GROUP, masked_top_n, top_n


def by_sorting(scores: np.ndarray[tuple[int, int], np.dtype[np.float32]], n: int) -> list[list[int]]:
    """Highest first, of equal ones the first column."""
    return [sorted(range(len(row)), key=lambda column: (-row[column], column))[:n] for row in scores.tolist()]


@given(
    rows=st.integers(1, 3).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=width * 4, max_size=width * 4),
            min_size=1,
            max_size=4,
        )
    ),
    n=st.integers(1, 15),
)
def test_the_best_are_those_of_a_full_sort(rows: list[list[float]], n: int) -> None:
    scores = np.array(rows, dtype=np.float32)
    assert top_n(scores, n).tolist() == by_sorting(scores, n)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 3),
    extra=st.integers(1, 2 * GROUP),
    levels=st.sampled_from([2, 5, 9999]),
)
def test_many_columns_go_by_groups_and_give_the_same(seed: int, n: int, extra: int, levels: int) -> None:
    """With few levels nearly all scores tie."""
    scores = rng(seed, "scores").integers(levels, size=(3, 4 * n * GROUP + extra)).astype(np.float32)
    assert top_n(scores, n).tolist() == by_sorting(scores, n)


@pytest.mark.parametrize("at", [0, 127, 128, 5 * GROUP * 4 - 1, 5 * GROUP * 4 + 3])
def test_a_single_best_is_found_wherever_it_stands(at: int) -> None:
    scores = np.full((1, 5 * GROUP * 4 + 4), -np.inf, dtype=np.float32)
    scores[0, at] = 1
    assert top_n(scores, 5)[0, 0] == at


def test_more_than_there_are_gives_all_of_them() -> None:
    assert top_n(np.array([[1, 3, 2]], dtype=np.float32), 10).tolist() == [[1, 2, 0]]


def test_the_scores_stay_as_they_are() -> None:
    scores = rng(1, "scores").normal(size=(2, 2000)).astype(np.float32)
    before = scores.copy()
    top_n(scores, 3)
    np.testing.assert_array_equal(scores, before)


def test_what_may_not_be_listed_is_in_no_list() -> None:
    scores = np.array([[1.0, 5.0, 4.0, 3.0], [9.0, 8.0, 2.0, 7.0]], dtype=np.float32)
    allowed = np.array([True, True, True, False])
    best, listed = masked_top_n(scores, 2, allowed=allowed, left_out=(np.array([0, 1, 1]), np.array([1, 0, 1])))
    assert best.tolist()[0] == [2, 0]
    assert best.tolist()[1][0] == 2
    assert listed.tolist() == [[4.0, 1.0], [2.0, -np.inf]]


def test_without_a_mask_all_may_be_listed() -> None:
    best, listed = masked_top_n(np.array([[1.0, 5.0, 4.0]], dtype=np.float32), 9)
    assert (best.tolist(), listed.tolist()) == ([[1, 2, 0]], [[5.0, 4.0, 1.0]])
