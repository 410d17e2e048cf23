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
    interpretation = interpret(films, n=4, min_ratings=20)
    bias = item_biases(films)
    listed = np.flatnonzero(films.counts["rating"].items >= 20)
    in_order = listed[np.argsort(bias[listed])].tolist()
    assert [item.item_id for item in interpretation.lowest] == in_order[:4]
    assert [item.item_id for item in interpretation.highest] == in_order[::-1][:4]
    assert (interpretation.n_items, interpretation.min_ratings) == (len(listed), 20)
    train = films.seen.interactions()
    for item in (*interpretation.highest, *interpretation.lowest):
        ratings = train.rating[train.item_idx == item.item_id]
        assert (item.n_ratings, item.mean_rating) == (len(ratings), pytest.approx(ratings.mean(), rel=1e-5))
        assert item.title == films.titles[item.item_id]


def test_poles_are_the_outermost_items_that_have_enough_ratings(films: Bundle) -> None:
    interpretation = interpret(films, n=3, n_directions=2, min_ratings=20)
    assert [direction.number for direction in interpretation.directions] == [1, 2]
    for direction in interpretation.directions:
        low, high = [item.position for item in direction.low], [item.position for item in direction.high]
        assert (low, high) == (sorted(low), sorted(high, reverse=True))
        assert low[0] < 0 < high[0]
        assert all(item.n_ratings >= 20 for item in (*direction.low, *direction.high))
    assert [association.value for association in interpretation.directions[0].goes_with] == ["War"]


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
    few = replace(films, counts={**films.counts, "rating": replace(counts, items=np.minimum(counts.items, 12))})
    assert interpret(few).min_ratings == 12
    assert interpret(open_bundle(finished)).n_items == 50


def test_more_ratings_than_any_item_has_are_refused(films: Bundle) -> None:
    with pytest.raises(UsageError, match="no item has 1,000"):
        interpret(films, min_ratings=1000)


def test_without_titles_or_an_items_file_ids_stand_alone(finished_text: Path) -> None:
    interpretation = interpret(open_bundle(finished_text), n=3)
    assert interpretation.n_traits == 0
    assert all(item.title is None for item in interpretation.highest)
    assert len(interpretation.directions) == 3
    assert all(not direction.goes_with for direction in interpretation.directions)


def test_what_is_found_is_json(films: Bundle) -> None:
    answer = json.loads(json.dumps(interpret(films, n=2).to_dict()))
    assert answer["directions"][0]["goes_with"][0]["value"] == "War"
    assert list(answer["user_bias"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    assert answer["user_bias"]["0.05"] < answer["user_bias"]["0.95"]
