"""What it says of a rating that somebody gave it: in the scores of pairs, not in the order of items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.scoring.codec import decode, encode
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.raters import Raters, group_of

N_RATINGS = np.array([0, 1, 4, 9])
RATERS = Raters.of(np.array([0.5, -1.0, 9.0], np.float32), np.array([True, True, False]), N_RATINGS)


@pytest.fixture
def factors() -> Factors:
    random = np.random.default_rng(0)
    numbers = [random.normal(size=shape).astype(np.float32) for shape in (4, 5, (4, 2), (5, 2))]
    return Factors(3.0, *numbers, Link("clip", 1.0, 5.0), raters=RATERS)


def test_a_pair_has_the_term_of_its_user_over_the_root_of_the_ratings_of_its_item() -> None:
    users, items = np.array([0, 0, 1, 1, 0], np.int32), np.array([0, 1, 2, 3, -1], np.int32)
    assert RATERS.score(users, items).tolist() == pytest.approx([0.5, 0.5, -0.5, -1 / 3, 0.5])


def test_nothing_is_known_of_users_without_ratings_and_of_unknown_ones() -> None:
    users, items = np.array([2, -1], np.int32), np.array([1, 1], np.int32)
    assert RATERS.score(users, items).tolist() == [0, 0]


def test_each_group_of_items_has_a_weight_of_its_own() -> None:
    assert group_of(np.array([0, 1, 5, 6, 99])).tolist() == [0, 1, 1, 2, 2]
    weighted = RATERS.weighted(np.array([0.5, 0.25, 2.0]))
    users, items = np.zeros(4, np.int32), np.array([-1, 1, 2, 3], np.int32)
    assert weighted.score(users, items).tolist() == pytest.approx([0.25, 0.125, 0.0625, 1 / 3])


def test_scores_of_pairs_have_it_and_scores_to_rank_by_have_not(factors: Factors) -> None:
    users, items = np.array([0, 1, -1], np.int32), np.array([1, 3, 2], np.int32)
    plain = factors.without_raters()
    more = factors.score(users, items) - plain.score(users, items)
    np.testing.assert_allclose(more, RATERS.score(users, items), atol=1e-6)
    np.testing.assert_array_equal(factors.score_all(users), plain.score_all(users))
    parts = factors.parts(0, 1)
    assert parts["having_rated"] == pytest.approx(0.5)
    assert sum(parts.values()) == pytest.approx(factors.score(users[:1], items[:1])[0], abs=1e-6)
    assert "having_rated" not in plain.parts(0, 1)


def test_new_rows_have_what_an_unknown_id_has(factors: Factors) -> None:
    longer = factors.with_rows(np.array([-1, 1], np.int32), np.array([3, -1, 0], np.int32))
    users, items = np.array([0, 1, 1, 1], np.int32), np.array([0, 0, 1, -1], np.int32)
    expected = factors.score(np.array([-1, 1, 1, 1], np.int32), np.array([3, 3, -1, -1], np.int32))
    np.testing.assert_array_equal(longer.score(users, items), expected)


def test_it_is_stored_and_a_run_without_it_is_read(factors: Factors) -> None:
    stored, users, items = encode(factors), np.array([0, 1], np.int32), np.array([0, 3], np.int32)
    again = decode(stored)
    np.testing.assert_array_equal(again.score(users, items), factors.score(users, items))
    arrays = {name: array for name, array in stored.arrays.items() if not name.startswith("raters.")}
    older = decode(replace(stored, arrays=arrays))
    np.testing.assert_array_equal(older.score(users, items), factors.without_raters().score(users, items))
