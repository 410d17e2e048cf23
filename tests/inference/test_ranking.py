"""Items ranked by the ranking scorer: lists for users and visitors, similar items, and explanations."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.api.batch import read_session_ratings, recommend_all
from recsys.config.schema.config import Config
from recsys.core.errors import RunError, UnknownIdError, UsageError
from recsys.inference.candidates import RatedPairs
from recsys.inference.recommender import Recommender
from recsys.inference.similar import FEW
from recsys.reporting.example_user import example_user
from recsys.workflows.train import train

RANKING = {"embedding_dim": 5, "n_epochs": 8, "popularity_weight": 0.5}
NET = {"kind": "embedding_net", "user_dim": 5, "item_dim": 4, "layers": [8]}
EVERYTHING = 1_000


@pytest.fixture(scope="module")
def ranked(finished_ranked: Path) -> Recommender:
    return Recommender.open(finished_ranked)


@pytest.fixture(scope="module")
def clicks(finished_clicks: Path) -> Recommender:
    return Recommender.open(finished_clicks)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("run", ["ranked", "clicks"])
def test_recommendations_are_the_best_unseen_by_rank_score(run: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(run)
    bundle = recommender.bundle
    scores = bundle.scorer("ranking").score_all(np.arange(len(bundle.users), dtype=np.int32))
    for user_idx, user in enumerate(bundle.users.ids[:5].tolist()):
        unseen = scores[user_idx].copy()
        unseen[RatedPairs.of(bundle).pairs(np.array([user_idx], dtype=np.int32))[1]] = -np.inf
        best = np.argsort(-unseen, kind="stable")[:7]
        listed = recommender.recommend(user, 7)
        assert [item.item_id for item in listed] == bundle.items.ids[best].tolist()
        assert [item.score for item in listed] == pytest.approx(unseen[best].tolist(), abs=1e-6)
        assert listed == recommender.recommend(user, 7, by="ranking")


def test_beside_each_item_stands_its_predicted_rating(ranked: Recommender) -> None:
    listed = ranked.recommend(0, 5)
    assert [item.rating for item in listed] == pytest.approx(
        [ranked.predict(0, item.item_id).rating for item in listed]
    )
    assert [item.rating for item in listed] != sorted([item.rating or 0 for item in listed], reverse=True)


def test_by_rating_gives_the_order_of_a_run_without_ranking(ranked: Recommender, finished: Path) -> None:
    alone = Recommender.open(finished)
    assert (alone.ranks_by, ranked.ranks_by) == ("rating", "ranking")
    for user in (-5, 0, 20):
        assert ranked.recommend(user, 9, by="rating") == alone.recommend(user, 9)
    assert ranked.similar(110, 9, by="rating") == alone.similar(110, 9)
    visitor = [100, 120], [5.0, 1.0]
    assert ranked.recommend_for(*visitor, 9, by="rating") == alone.recommend_for(*visitor, 9)
    with pytest.raises(RunError, match="no ranking scorer") as caught:
        alone.recommend(0, by="ranking")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("by", ["ranking", "rating"])
def test_everyone_gets_the_list_of_each(ranked: Recommender, by: Any, tmp_path: Path) -> None:
    recommend_all(ranked, tmp_path / "all.csv", 4, by=by, min_ratings=12)
    rows = [(int(row["user_id"]), int(row["item_id"]), float(row["rating"])) for row in rows_of(tmp_path / "all.csv")]
    expected = [
        (user, item.item_id, pytest.approx(item.rating, abs=1e-5))
        for user in ranked.bundle.users.ids.tolist()
        for item in ranked.recommend(user, 4, by=by, min_ratings=12)
    ]
    assert rows == expected


def test_a_visitor_gets_a_row_between_the_mean_user_and_what_they_rated(ranked: Recommender) -> None:
    scorer = ranked.bundle.ranking
    assert scorer is not None
    items = np.array([0, 20], dtype=np.int32)
    targets = scorer.targets(np.array([5, 1], dtype=np.float32))
    (row,) = scorer.user_rows().solve(np.array([0, 2]), items, targets)
    expected = scorer.item_factors[:-1] @ row
    listed = ranked.recommend_for([100, 120, 9_999], [5, 1, 3], EVERYTHING)
    assert [item.item_id for item in listed[:3]] == [
        100 + place for place in np.argsort(-expected).tolist() if place not in (0, 20)
    ][:3]
    assert not {100, 120} & {item.item_id for item in listed}
    by_rating = {
        item.item_id: item.rating for item in ranked.recommend_for([100, 120], [5, 1], EVERYTHING, by="rating")
    }
    assert all(item.rating == pytest.approx(by_rating[item.item_id], abs=1e-5) for item in listed)


@pytest.mark.parametrize("run", ["ranked", "clicks"])
def test_someone_without_known_items_gets_the_list_of_the_mean_user(run: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(run)
    listed = recommender.recommend("999", 5, on_unknown="mean")
    assert recommender.recommend_for([], [], 5) == listed
    assert recommender.recommend_for([9_999], None, 5) == listed
    scorer = recommender.bundle.ranking
    assert scorer is not None
    best = np.argsort(-(scorer.item_factors[:-1] @ scorer.user_factors[-1]))[:5]
    assert [item.item_id for item in listed] == recommender.bundle.items.ids[best].tolist()
    with pytest.raises(UnknownIdError, match="'999' has no training"):
        recommender.recommend("999")


def test_an_unknown_user_gets_the_mean_users_list_by_rating_too(ranked: Recommender, finished_net: Path) -> None:
    for recommender in (ranked, Recommender.open(finished_net)):
        listed = recommender.recommend("999", 3, by="rating", on_unknown="mean")
        predicted = [recommender.predict("999", item.item_id, on_unknown="mean").rating for item in listed]
        assert [item.rating for item in listed] == pytest.approx(predicted, abs=1e-5)


def test_a_visitor_without_ratings_is_ranked_for_and_not_rated_for(ranked: Recommender) -> None:
    assert ranked.recommend_for([100, 120], None, 5)
    with pytest.raises(UsageError, match="without ratings"):
        ranked.recommend_for([100, 120], None, 5, by="rating")


def test_clicks_have_no_ratings(clicks: Recommender, tmp_path: Path) -> None:
    listed = clicks.recommend(0, 3)
    assert [item.rating for item in listed] == [None] * 3
    assert all(item.n_ratings == 0 < item.n_interactions for item in listed)
    recommend_all(clicks, tmp_path / "all.csv", 2)
    assert {row["rating"] for row in rows_of(tmp_path / "all.csv")} == {""}
    for ask in (clicks.recommend, clicks.similar):
        with pytest.raises(RunError, match="predicts no ratings"):
            ask(0, by="rating")
    (tmp_path / "visitor.csv").write_text("movieId\n100\n120\n7\n")
    visitor = read_session_ratings(clicks, tmp_path / "visitor.csv")
    assert (visitor.item_ids, visitor.n_unknown_items) == (["100", "120", "7"], 1)
    assert clicks.recommend_for(visitor.item_ids, visitor.ratings, 3) == clicks.recommend_for([100, 120], None, 3)


def test_similar_items_are_alike_beyond_popularity_and_shrunk_by_their_interactions(ranked: Recommender) -> None:
    scorer, counts = ranked.bundle.ranking, ranked.bundle.counts["ranking"].items
    assert scorer is not None
    mean = scorer.user_factors[-1] / np.linalg.norm(scorer.user_factors[-1])
    rows = scorer.item_factors[:-1] - np.outer(scorer.item_factors[:-1] @ mean, mean)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = rows @ rows[10] * counts / (counts + FEW)
    expected[10] = -np.inf
    best = np.argsort(-expected)[:6]
    listed = ranked.similar(110, 6)
    assert [item.item_id for item in listed] == ranked.bundle.items.ids[best].tolist()
    assert [item.similarity for item in listed] == pytest.approx(expected[best].tolist(), abs=1e-5)


@pytest.mark.parametrize("run", ["ranked", "clicks"])
def test_the_contributions_of_a_users_items_add_up_to_the_rank_score(run: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(run)
    for item in recommender.recommend(3, 3):
        explanation = recommender.explain_ranking(3, item.item_id, 4)
        assert explanation.score == pytest.approx(item.score, abs=1e-6)
        whole = recommender.explain_ranking(3, item.item_id, EVERYTHING)
        assert len(whole.contributions) == whole.n_interactions
        sizes = [abs(own.contribution) for own in whole.contributions]
        assert sizes == sorted(sizes, reverse=True)
        assert whole.contributions[:4] == explanation.contributions
        assert sum(own.contribution for own in whole.contributions) == pytest.approx(item.score, abs=2e-3)
        listed = sum(own.contribution for own in explanation.contributions)
        assert listed + explanation.others + explanation.popularity + explanation.remainder == pytest.approx(
            item.score, abs=1e-6
        )
    answer = json.loads(json.dumps(explanation.to_dict()))
    assert [*answer["pulls"][0]] == ["item_id", "title", "rating", "pull"]
    assert (answer["pulls"][0]["rating"] is None) == (run == "clicks")


def test_an_item_that_is_not_known_is_not_explained(ranked: Recommender, finished: Path) -> None:
    with pytest.raises(UnknownIdError):
        ranked.explain_ranking(0, 9_999)
    with pytest.raises(RunError, match="no ranking scorer"):
        Recommender.open(finished).explain_ranking(0, 100)


def test_an_embedding_net_ranks_by_its_ranking_scorer(small: Callable[..., Config], tmp_path: Path) -> None:
    train(small(model=NET, ranking=RANKING, training={"n_epochs": 1}), tmp_path / "run")
    recommender = Recommender.open(tmp_path / "run")
    assert recommender.recommend(0, 3)[0].rating == pytest.approx(
        recommender.predict(0, recommender.recommend(0, 3)[0].item_id).rating
    )
    assert recommender.recommend(0, 3, by="rating")
    assert recommender.similar(110, 3)
    assert [item.rating for item in recommender.recommend_for([100, 120], [5, 1], 2)] == [None, None]
    with pytest.raises(RunError, match="dot product"):
        recommender.similar(110, 3, by="rating")


def test_who_predicts_does_not_read_the_ranking_scorer(ranked: Recommender, tmp_path: Path) -> None:
    copy = shutil.copytree(ranked.bundle.path, tmp_path / "copy")
    content = bytearray((copy / "ranking.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "ranking.safetensors").write_bytes(content)
    recommender = Recommender.open(copy)
    recommender.predict(0, 100)
    recommender.recommend(0, by="rating")
    with pytest.raises(RunError, match="damaged"):
        recommender.recommend(0)


@pytest.mark.parametrize("run", ["ranked", "clicks"])
def test_the_report_shows_what_is_recommended_and_why(run: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(run)
    user = example_user(recommender.bundle)
    assert [item["id"] for item in user["recommended"]] == [
        str(item.item_id) for item in recommender.recommend(user["id"])
    ]
    reasons = user["rank_reasons"]
    assert reasons is not None
    assert sum(pull["pull"] for pull in reasons["pulls"]) + reasons["others"] + reasons["remainder"] == pytest.approx(
        reasons["score"]
    )
    assert all(item["n_ratings"] > 0 for item in (*user["rated"], *user["recommended"]))
    assert (user["mean"] is None) == (user["reasons"] is None) == (run == "clicks")
