from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recsys.api.batch import recommend_all
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import DataError, RunError
from recsys.inference.recommender import Recommender
from recsys.workflows.evaluate import interactions_to_measure
from recsys.workflows.evaluate_ranking import ranking_of
from recsys.workflows.rankers import for_new_users
from recsys.workflows.train import train


@pytest.fixture(scope="module")
def bundle(finished: Path) -> Bundle:
    """Of a run that recommends by predicted ratings."""
    return open_bundle(finished)


@pytest.fixture(scope="module")
def run(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a scorer for ratings and one for recommendations, by which users get what is popular but for these."""
    folder = tmp_path_factory.mktemp("ranking") / "run"
    train(small(ranking={"embedding_dim": 4, "n_epochs": 4, "regularization": 0.05}), folder)
    return folder


def test_a_ranking_is_of_the_lists_with_held_out_items(bundle: Bundle, tmp_path: Path) -> None:
    recommend_all(Recommender(bundle), tmp_path / "lists.csv", 3, include_held_out=True)
    with (tmp_path / "lists.csv").open() as file:
        lists = [(int(row["user_id"]), int(row["item_id"])) for row in csv.DictReader(file)]
    held_out = interactions_to_measure(bundle)
    ranking = ranking_of(bundle, held_out, k=3)
    assert ranking["threshold"] == 4.0
    assert ranking["like"] is not None
    for least, scores in ((0.0, ranking["any"]), (4.0, ranking["like"])):
        hits, n_users = 0, 0
        for user_idx in range(len(bundle.users)):
            relevant = held_out.item_idx[(held_out.user_idx == user_idx) & (held_out.rating >= least)]
            listed = {item for user, item in lists if user == bundle.users.ids[user_idx]}
            hits += len(listed & set(bundle.items.ids[relevant].tolist()))
            n_users += len(relevant) > 0
        assert scores["n_users"] == n_users
        # Users with nothing relevant are not ranked for, and have no hits.
        assert scores["scorers"]["rating"]["precision@3"] == pytest.approx(hits / 3 / n_users)


def test_beside_the_scorers_stand_the_most_popular_items_and_the_biases(bundle: Bundle) -> None:
    ranking = ranking_of(bundle, interactions_to_measure(bundle))
    assert (ranking["protocol"], ranking["k"], ranking["n_candidates"]) == ("known_users", 10, 50)
    assert ranking["any"]["baselines"].keys() == {"popular", "biases"}
    assert ranking["any"]["scorers"].keys() == {"rating"}
    popular = ranking["any"]["baselines"]["popular"]
    assert popular["popularity@10"] > ranking["any"]["scorers"]["rating"]["popularity@10"]
    assert popular["novelty@10"] < ranking["any"]["scorers"]["rating"]["novelty@10"]


def test_the_keys_of_version_0_1_are_those_of_likes(run: Path) -> None:
    bundle = open_bundle(run)
    ranking = ranking_of(bundle, interactions_to_measure(bundle), threshold=5.0)
    assert ranking["like"] is not None
    assert ranking["model"] == ranking["like"]["scorers"]["ranking"]
    assert ranking["baselines"] == ranking["like"]["baselines"]
    assert ranking["n_relevant"] == ranking["like"]["n_relevant"] < ranking["any"]["n_relevant"]


def test_a_threshold_that_no_rating_reaches_is_refused(bundle: Bundle) -> None:
    ratings = interactions_to_measure(bundle)
    with pytest.raises(DataError, match="none of the 90 ratings is 6 or more") as caught:
        ranking_of(bundle, ratings, threshold=6.0)
    assert caught.value.hint == f"--threshold {ratings.rating.max():g}"


def test_what_was_trained_on_is_nothing_to_find(bundle: Bundle) -> None:
    with pytest.raises(DataError, match="of a known user with an item that is new to them"):
        ranking_of(bundle, bundle.seen.interactions())


def test_new_users_are_ranked_for_by_a_scorer_that_has_not_seen_them(run: Path) -> None:
    bundle = open_bundle(run)
    held_out = interactions_to_measure(bundle)
    rankers = for_new_users(bundle, held_out, lambda _: None)
    new = np.unique(rankers.held_out.user_idx)
    assert len(new) == round(0.1 * len(np.unique(held_out.user_idx)))
    trained, folded = bundle.ranking, rankers.scorers["ranking"]
    assert trained is not None
    others = np.setdiff1d(np.arange(len(bundle.users)), new)
    assert folded.n_known_users == len(others)  # type: ignore[attr-defined]
    counts = np.bincount(bundle.seen.interactions().take(np.isin(bundle.seen.interactions().user_idx, others)).item_idx)
    popular = rankers.baselines["popular"].score_all(new[:1].astype(np.int32))[0]
    assert popular.tolist() == counts.tolist()
    ranking = ranking_of(bundle, held_out, new_users=True)
    assert (ranking["protocol"], ranking["any"]["n_users"]) == ("new_users", len(new))
    assert ranking["any"]["scorers"].keys() == {"ranking"}
    assert ranking == ranking_of(bundle, held_out, new_users=True)


def test_a_run_without_a_ranking_scorer_ranks_for_no_new_users(bundle: Bundle) -> None:
    with pytest.raises(RunError, match="no ranking scorer"):
        ranking_of(bundle, interactions_to_measure(bundle), new_users=True)
