from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.core.errors import UnknownIdError
from recsys.inference.candidates import RatedPairs
from recsys.inference.prediction import Prediction
from recsys.inference.recommender import Recommender


def link(prediction: Prediction, recommender: Recommender) -> float:
    how = recommender.bundle.factors.link
    if how.kind == "clip":
        return min(max(prediction.score, how.low), how.high)
    return how.low + (how.high - how.low) / (1 + np.exp(-prediction.score))


@pytest.mark.parametrize("which", ["numbers", "texts"])
def test_parts_sum_to_the_score_and_the_rating_is_its_link(which: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(which)
    for user in recommender.bundle.users.ids[:6].tolist():
        for item in recommender.bundle.items.ids[:6].tolist():
            prediction = recommender.predict(user, item)
            assert sum(prediction.parts.values()) == pytest.approx(prediction.score, abs=1e-6)
            assert prediction.rating == pytest.approx(link(prediction, recommender), abs=1e-6)
            assert prediction.link == recommender.bundle.factors.link.kind
            assert (prediction.user_id, prediction.item_id, prediction.known_user, prediction.known_item) == (
                user,
                item,
                True,
                True,
            )


def test_the_interaction_is_the_dot_product(numbers: Recommender) -> None:
    factors = numbers.bundle.factors
    expected = factors.user_factors[3] @ factors.item_factors[7]
    user, item = numbers.bundle.users.ids[3], numbers.bundle.items.ids[7]
    assert numbers.predict(int(user), int(item)).parts["interaction"] == pytest.approx(expected, abs=1e-5)


def test_a_prediction_is_json_as_in_the_contract(numbers: Recommender) -> None:
    fields = numbers.predict(0, 100).to_dict()
    assert fields.keys() >= {"user_id", "item_id", "rating", "score", "link", "parts", "known_user", "known_item"}
    assert fields["parts"].keys() == {"global_mean", "user_bias", "item_bias", "interaction"}
    assert fields["title"] == 'Film 100, the "best"'
    assert numbers.predict(0, 101).title is None


@pytest.mark.parametrize("user", [-5, "-5", np.int64(-5)])
def test_an_id_may_be_negative_and_come_as_text(numbers: Recommender, user: Any) -> None:
    assert numbers.predict(user, "100").user_id == -5
    assert numbers.recommend(user, 1)


@pytest.mark.parametrize("user", ["007", "NA", "-3", "a, b", 'say "hi"', "née"])
def test_a_text_id_is_taken_as_it_stands(texts: Recommender, user: str) -> None:
    assert texts.predict(user, "1e5").user_id == user


def test_blanks_around_an_id_are_none_of_it(texts: Recommender) -> None:
    assert texts.predict(" x", "1e5").user_id == "x"


def test_a_whole_number_with_decimals_is_that_number(numbers: Recommender) -> None:
    assert numbers.predict("-5.0", "100").user_id == -5


def test_text_ids_that_look_like_numbers_are_not_made_into_them(texts: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="no training ratings"):
        texts.predict("7", "1e5")


@pytest.mark.parametrize(("user", "item", "role"), [(999, 100, "user 999"), (0, 1000, "item 1000")])
def test_an_unknown_id_is_refused(numbers: Recommender, user: int, item: int, role: str) -> None:
    with pytest.raises(UnknownIdError, match=f"{role} has no training ratings") as caught:
        numbers.predict(user, item)
    assert caught.value.exit_code == 5


def test_a_near_id_is_suggested(numbers: Recommender, texts: Recommender) -> None:
    with pytest.raises(UnknownIdError) as caught:
        numbers.predict(0, 1400)
    assert caught.value.hint == (
        "did you mean 140? recsys items TEXT finds ids by titles; --on-unknown mean takes the mean item"
    )
    with pytest.raises(UnknownIdError) as caught:
        texts.predict("nee", "1e5")
    assert caught.value.hint == "did you mean 'née'? --on-unknown mean takes the mean user"


@pytest.mark.parametrize("user", ["alice", "007", "1.5", "", "9" * 30])
def test_text_that_cannot_be_a_number_is_refused_where_ids_are_numbers(numbers: Recommender, user: str) -> None:
    with pytest.raises(UnknownIdError, match="cannot be an id here") as caught:
        numbers.recommend(user)
    assert "whole numbers such as -5" in (caught.value.expected or "")


@pytest.mark.parametrize(("user", "item"), [(999, 100), (0, 1000), (999, 1000), ("alice", "x")])
def test_on_unknown_mean_predicts_with_the_fallback(numbers: Recommender, user: Any, item: Any) -> None:
    prediction = numbers.predict(user, item, on_unknown="mean")
    factors = numbers.bundle.factors
    u = 5 if user == 0 else -1
    i = 0 if item == 100 else -1
    rating = factors.rate(np.array([u], dtype=np.int32), np.array([i], dtype=np.int32))[0]
    assert (prediction.known_user, prediction.known_item) == (u >= 0, i >= 0)
    assert prediction.rating == pytest.approx(float(rating), abs=1e-6)
    assert (prediction.user_id, prediction.item_id) == (user, item)


@pytest.mark.parametrize("which", ["numbers", "texts"])
def test_recommendations_are_the_best_unseen_by_a_full_sort(which: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(which)
    bundle = recommender.bundle
    for idx, user in enumerate(bundle.users.ids.tolist()):
        scores = bundle.factors.score_all(np.array([idx], dtype=np.int32))[0]
        seen = set(RatedPairs.of(bundle).pairs(np.array([idx], dtype=np.int32))[1].tolist())
        best = sorted((n for n in range(len(scores)) if n not in seen), key=lambda n: (-scores[n], n))[:7]
        items = recommender.recommend(user, 7)
        assert [item.item_id for item in items] == bundle.items.ids[best].tolist()
        assert [item.score for item in items] == scores[best].tolist()
        assert [item.rank for item in items] == list(range(1, len(best) + 1))


def test_a_recommendation_says_what_predict_says(numbers: Recommender) -> None:
    for item in numbers.recommend(0, 5):
        predicted = numbers.predict(0, item.item_id)
        assert item.rating == pytest.approx(predicted.rating, abs=1e-5)
        assert item.score == pytest.approx(predicted.score, abs=1e-5)
        assert item.title == predicted.title
        assert item.n_ratings == numbers.bundle.counts["rating"].items[numbers.bundle.items.index([item.item_id])[0]]
        assert item.to_dict()["rank"] == item.rank


def test_more_than_there_are_gives_all_unseen(numbers: Recommender) -> None:
    items = numbers.recommend(0, 10_000)
    rated = RatedPairs.of(numbers.bundle).pairs(np.array([5], dtype=np.int32))[1]
    assert len(items) == len(numbers.bundle.items) - len(rated)
    assert all(np.isfinite(item.score) for item in items)


def test_min_ratings_leaves_out_obscure_items(numbers: Recommender) -> None:
    least = int(np.median(numbers.bundle.counts["rating"].items))
    items = numbers.recommend(0, 100, min_ratings=least)
    assert items
    assert all(item.n_ratings >= least for item in items)
    assert numbers.recommend(0, 100, min_ratings=10_000) == []


def test_candidates_restrict_and_the_unknown_among_them_are_left_out(numbers: Recommender) -> None:
    unseen = [item.item_id for item in numbers.recommend(0, 100)]
    seen = numbers.bundle.items.ids[numbers.bundle.seen.of_user(5)[0][0]]
    wanted = [unseen[4], unseen[1], int(seen), 12345, "no id", str(unseen[2])]
    assert [item.item_id for item in numbers.recommend(0, 10, candidates=wanted)] == [unseen[n] for n in (1, 2, 4)]
    assert numbers.recommend(0, 10, candidates=[]) == []


@pytest.mark.parametrize("run", ["finished", "finished_ranked"])
def test_threads_that_share_a_recommender_get_the_same_answers(run: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(run)
    alone = Recommender.open(folder)
    users = alone.bundle.users.ids.tolist()
    expected = [(alone.recommend(user, 5), alone.predict(user, 100)) for user in users]
    shared = Recommender.open(folder)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert (
                list(pool.map(lambda user: (shared.recommend(user, 5), shared.predict(user, 100)), users)) == expected
            )
