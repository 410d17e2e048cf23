from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.core.types import Indices
from recsys.scoring.factors.scorer import CHUNK, Factors
from recsys.scoring.fallback import with_fallback
from recsys.scoring.link import Link


def idx(*numbers: int) -> Indices:
    return np.array(numbers, dtype=np.int32)


def rows(*numbers: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return with_fallback(np.array(numbers, dtype=np.float32), np.ones(len(numbers), dtype=bool))


@pytest.fixture
def two_by_three() -> Factors:
    return Factors(
        global_mean=3.0,
        user_bias=rows(0.5, -1.0),
        item_bias=rows(0.25, 0.0, -0.75),
        user_factors=rows([1, 2], [0, -1]),
        item_factors=rows([1, 0], [0, 1], [2, 2]),
        link=Link("clip", 1.0, 5.0),
    )


def test_a_score_is_the_sum_of_its_parts(two_by_three: Factors) -> None:
    score = two_by_three.score(idx(0, 0, 1), idx(0, 2, 1))
    assert score.tolist() == [3 + 0.5 + 0.25 + 1, 3 + 0.5 - 0.75 + 6, 3 - 1 + 0 - 1]
    assert score.dtype == np.float32


def test_a_rating_is_the_link_of_the_score(two_by_three: Factors) -> None:
    rating = two_by_three.rate(idx(0, 0, 1), idx(0, 2, 1))
    assert rating.tolist() == [4.75, 5.0, 1.0]


def test_score_all_is_the_score_of_every_item(two_by_three: Factors) -> None:
    users = idx(1, 0, -1)
    expected = [two_by_three.score(idx(u, u, u), idx(0, 1, 2)) for u in users]
    np.testing.assert_allclose(two_by_three.score_all(users), expected, rtol=1e-6)


def test_an_unknown_id_gets_the_mean_of_the_known_rows(two_by_three: Factors) -> None:
    user_bias, user = -0.25, np.array([0.5, 0.5])
    item_bias, item = -0.5 / 3, np.array([1, 1])
    scores = two_by_three.score(idx(-1, 0, -1), idx(0, -1, -1))
    expected = [
        3 + user_bias + 0.25 + user @ [1, 0],
        3 + 0.5 + item_bias + item @ [1, 2],
        3 + user_bias + item_bias + user @ item,
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_the_fallback_row_is_the_mean_and_the_rows_stay() -> None:
    assert rows(1, 2, 6).tolist() == [1, 2, 6, 3]
    assert rows([1, 5], [3, -5]).tolist() == [[1, 5], [3, -5], [2, 0]]
    assert rows([1, 5], [3, -5]).dtype == np.float32


def test_a_row_without_ratings_is_the_mean_of_the_others() -> None:
    has_ratings = np.array([True, False, True])
    assert with_fallback(np.array([1, 9, 2], dtype=np.float32), has_ratings).tolist() == [1, 1.5, 2, 1.5]
    two = np.array([[1, 5], [9, 9], [3, -5]], dtype=np.float32)
    assert with_fallback(two, has_ratings).tolist() == [[1, 5], [2, 0], [3, -5], [2, 0]]
    assert two[1].tolist() == [9, 9]


def test_counts_leave_out_the_fallback(two_by_three: Factors) -> None:
    assert (two_by_three.n_users, two_by_three.n_items) == (2, 3)


def test_chunks_do_not_change_a_rating() -> None:
    draw = rng(1, "chunks")
    factors = Factors(
        0.0,
        *(rows(*draw.normal(size=n)) for n in (30, 20)),
        *(rows(*draw.normal(size=(n, 4))) for n in (30, 20)),
        link=Link("identity", 0, 0),
    )
    n = 2 * CHUNK + 5
    users, items = (draw.integers(-1, top, n, dtype=np.int32) for top in (30, 20))
    at = np.array([0, CHUNK - 1, CHUNK, 2 * CHUNK, n - 1])
    np.testing.assert_array_equal(factors.rate(users, items)[at], factors.rate(users[at], items[at]))


def test_no_pairs_give_no_ratings(two_by_three: Factors) -> None:
    assert two_by_three.rate(idx(), idx()).tolist() == []


def test_identity_leaves_a_score_as_it_is() -> None:
    score = np.array([-9, 0, 9], dtype=np.float32)
    assert Link("identity", 1, 5)(score).tolist() == [-9, 0, 9]


def test_clip_keeps_within_the_scale() -> None:
    score = np.array([-9, 0.5, 3, 9], dtype=np.float32)
    assert Link("clip", 0.5, 5)(score).tolist() == [0.5, 0.5, 3, 5]


def test_sigmoid_is_scaled_to_the_range_and_never_overflows() -> None:
    score = np.array([-1e30, -1, 0, np.log(3), 1e30], dtype=np.float32)
    expected = [0, 5.5 / (1 + np.e), 2.75, 5.5 * 0.75, 5.5]
    np.testing.assert_allclose(Link("sigmoid", 0, 5.5)(score), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["identity", "clip", "sigmoid", "tobit"])
def test_every_link_keeps_order_and_dtype(kind: str) -> None:
    score = np.linspace(-6, 6, 50, dtype=np.float32)
    rating = Link(kind, 1, 5, 1.0)(score)  # type: ignore[arg-type]
    assert (np.diff(rating) >= 0).all()
    assert rating.dtype == np.float32
