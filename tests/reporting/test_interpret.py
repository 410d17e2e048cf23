"""What a model has learned, for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.errors import UsageError
from recsys.reporting.interpret import interpret, item_biases


def test_items_are_listed_by_bias_with_their_ratings(films: Bundle) -> None:
    found = interpret(films, n=4, min_ratings=20)
    bias = item_biases(films)
    listed = np.flatnonzero(films.counts["rating"].items >= 20)
    in_order = listed[np.argsort(bias[listed])].tolist()
    assert [one.item_id for one in found.lowest] == in_order[:4]
    assert [one.item_id for one in found.highest] == in_order[::-1][:4]
    assert (found.n_items, found.min_ratings) == (len(listed), 20)
    train = films.seen.interactions()
    for one in (*found.highest, *found.lowest):
        ratings = train.rating[train.item_idx == one.item_id]
        assert (one.n_ratings, one.mean_rating) == (len(ratings), pytest.approx(ratings.mean(), rel=1e-5))
        assert one.title == films.titles[one.item_id]


def test_poles_are_the_outermost_items_that_have_enough_ratings(films: Bundle) -> None:
    found = interpret(films, n=3, n_directions=2, min_ratings=20)
    assert [one.number for one in found.directions] == [1, 2]
    for direction in found.directions:
        low, high = [one.position for one in direction.low], [one.position for one in direction.high]
        assert (low, high) == (sorted(low), sorted(high, reverse=True))
        assert low[0] < 0 < high[0]
        assert all(one.n_ratings >= 20 for one in (*direction.low, *direction.high))
    assert [one.value for one in found.directions[0].goes_with] == ["War"]


def test_a_constant_moved_from_factors_to_biases_changes_no_bias(
    films: Bundle, with_factors: Callable[..., Bundle]
) -> None:
    users, items = films.factors.user_factors[:-1], films.factors.item_factors[:-1]
    shift = np.array([0.5, -0.25], dtype=np.float32)
    moved = with_factors(films, users + shift, items)
    biases = films.factors.item_bias - films.factors.item_factors @ shift
    moved = replace(moved, scorers={"rating": replace(moved.factors, item_bias=biases)})
    np.testing.assert_allclose(item_biases(moved), item_biases(films), atol=1e-5)


def test_by_default_at_least_a_hundred_items_can_be_listed(films: Bundle, finished: Path) -> None:
    assert interpret(films).min_ratings == 30
    counts = films.counts["rating"]
    few = replace(films, counts={"rating": replace(counts, items=np.minimum(counts.items, 12))})
    assert interpret(few).min_ratings == 12
    assert interpret(open_bundle(finished)).n_items == 50


def test_more_ratings_than_any_item_has_are_refused(films: Bundle) -> None:
    with pytest.raises(UsageError, match="no item has 1,000"):
        interpret(films, min_ratings=1000)


def test_without_titles_or_an_items_file_ids_stand_alone(finished_text: Path) -> None:
    found = interpret(open_bundle(finished_text), n=3)
    assert found.n_traits == 0
    assert all(one.title is None for one in found.highest)
    assert len(found.directions) == 3
    assert all(not one.goes_with for one in found.directions)


def test_what_is_found_is_json(films: Bundle) -> None:
    answer = json.loads(json.dumps(interpret(films, n=2).to_dict()))
    assert answer["directions"][0]["goes_with"][0]["value"] == "War"
    assert list(answer["user_bias"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    assert answer["user_bias"]["0.05"] < answer["user_bias"]["0.95"]
