"""Serving a run whose vocabularies hold users and items without ratings: they are as unknown as any other id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.api.batch import recommend_all
from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.errors import UnknownIdError
from recsys.core.events import silent
from recsys.data.catalogue import ItemCatalogue
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import learn_intervals
from recsys.inference.batch import predict_file
from recsys.inference.item_list import read_candidates
from recsys.inference.recommender import Recommender
from recsys.training.build import build_learner
from recsys.training.loop import fit
from recsys.workflows.evaluate import evaluate_ratings, ratings_to_measure

UNRATED_USER, UNRATED_ITEM, STRANGER = 12, 119, 999


@pytest.fixture(scope="module")
def recommender(
    small: Callable[..., Config], partly_rated: Splits, tmp_path_factory: pytest.TempPathFactory
) -> Recommender:
    config, run = small(training={"method": "sgd"}), tmp_path_factory.mktemp("run") / "run"
    inputs = TrainingInputs(partly_rated, ItemCatalogue({119: "Unrated", 101: "Rated"}))
    (plan,) = plans(config)
    learner = build_learner(plan, inputs, ALONE)
    for _ in fit(learner):
        pass
    scorer = learner.scorer()
    served = ServedScorer(plan.model.kind, scorer, learn_intervals(scorer, learner.samples, inputs))
    write_bundle(run, {plan.name: served}, inputs, config)
    return Recommender(open_bundle(run))


@pytest.mark.parametrize(("user", "item"), [(UNRATED_USER, 101), (1, UNRATED_ITEM), (UNRATED_USER, UNRATED_ITEM)])
def test_an_id_without_ratings_is_predicted_as_an_unknown_one(recommender: Recommender, user: int, item: int) -> None:
    with pytest.raises(UnknownIdError, match="has no training ratings"):
        recommender.predict(user, item)
    given = recommender.predict(user, item, on_unknown="mean", interval=0.5)
    assert (given.known_user, given.known_item) == (user == 1, item == 101)
    strange = recommender.predict(
        1 if user == 1 else STRANGER, 101 if item == 101 else STRANGER, on_unknown="mean", interval=0.5
    )
    assert (given.rating, given.std, given.parts) == (strange.rating, strange.std, strange.parts)


def test_an_item_without_ratings_is_not_recommended_and_says_nothing(recommender: Recommender, tmp_path: Path) -> None:
    assert UNRATED_ITEM not in {item.item_id for item in recommender.recommend(1, 50)}
    assert recommender.recommend(1, 50, candidates=[UNRATED_ITEM]) == []
    with pytest.raises(UnknownIdError):
        recommender.recommend(UNRATED_USER)
    with pytest.raises(UnknownIdError):
        recommender.recommend_for([UNRATED_ITEM], [5.0])
    for ask in (recommender.similar, lambda item: recommender.explain(1, item)):
        with pytest.raises(UnknownIdError):
            ask(UNRATED_ITEM)
    (tmp_path / "candidates.csv").write_text(f"item\n101\n{UNRATED_ITEM}\n")
    assert read_candidates(recommender.bundle, tmp_path / "candidates.csv", silent).item_ids == [101]


def test_pairs_in_a_file_follow_the_same_rule(recommender: Recommender, tmp_path: Path) -> None:
    rows = [(1, 101), (UNRATED_USER, 101), (STRANGER, 101), (1, UNRATED_ITEM), (1, STRANGER)]
    (tmp_path / "pairs.csv").write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in rows))
    counts = predict_file(recommender.bundle, tmp_path / "pairs.csv", tmp_path / "out.csv", "mean", silent)
    assert (counts["n_unknown_users"], counts["n_unknown_items"]) == (2, 2)
    ratings: Any = [line.split(",")[2] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert ratings[1] == ratings[2]
    assert ratings[3] == ratings[4]
    with pytest.raises(
        UnknownIdError, match=f"user '{UNRATED_USER}' has no training ratings; pairs with such users: 2 of 5"
    ):
        predict_file(recommender.bundle, tmp_path / "pairs.csv", tmp_path / "out.csv", "error", silent)


def test_everyone_with_ratings_gets_a_list(recommender: Recommender, tmp_path: Path) -> None:
    counts = recommend_all(recommender, tmp_path / "all.csv", 3)
    users = {int(line.split(",")[0]) for line in (tmp_path / "all.csv").read_text().splitlines()[1:]}
    assert users == set(range(30)) - {0, 12, 29}
    assert counts["n_users"] == 27


def test_a_run_is_measured_on_the_ratings_that_it_has(recommender: Recommender) -> None:
    ratings = ratings_to_measure(recommender.bundle)
    scores = evaluate_ratings(recommender.bundle, ratings)
    assert scores["n_ratings"] == len(ratings)
    assert scores["n_unknown_users"] > 0
    assert 0 < scores["rmse"] < 4
