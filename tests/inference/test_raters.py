"""A run of a model in which the users who rated an item count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recsys
from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.inference.export import export_factors
from recsys.inference.recommender import Recommender
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train


@pytest.fixture(scope="module")
def run(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raters") / "run"
    sgd = {"method": "sgd", "n_epochs": 4}
    train(small(model={"kind": "svdpp"}, training=sgd, refit=True, ranking={"embedding_dim": 4, "n_epochs": 1}), folder)
    return folder


def raters(path: Path) -> Any:
    factors = open_bundle(path).factors
    assert factors.raters is not None
    return factors.raters


def test_the_model_of_all_ratings_has_the_weights_of_the_measured_one(run: Path) -> None:
    measured = open_bundle(run).measured().factors.raters
    assert measured is not None
    assert raters(run).weights.tolist() == measured.weights.tolist() != [1, 1, 1]


def test_predictions_have_a_part_for_it_and_lists_by_rating_have_not(run: Path) -> None:
    recommender = Recommender.open(run)
    factors = recommender.bundle.factors
    by_rating, listed = recommender.recommend(0, 5, by="rating"), recommender.recommend(0, 5)
    for item in by_rating:
        predicted = recommender.predict(0, item.item_id)
        without = predicted.score - predicted.parts["having_rated"]
        assert item.score == pytest.approx(without, abs=1e-5)
        assert item.rating == pytest.approx(np.clip(without, factors.link.low, factors.link.high), abs=1e-5)
    for item in listed:
        assert item.rating == pytest.approx(recommender.predict(0, item.item_id).rating, abs=1e-5)
    assert recommender.predict(-12345, 100, on_unknown="mean").parts["having_rated"] == 0


def test_what_is_measured_is_what_predict_says(run: Path) -> None:
    bundle = open_bundle(run).measured()
    ratings, recommender = bundle.held_out("test"), Recommender(bundle)
    assert ratings is not None
    ids = zip(ratings.users.ids[ratings.user_idx].tolist(), ratings.items.ids[ratings.item_idx].tolist(), strict=True)
    error = [recommender.predict(*pair).rating for pair in ids] - ratings.rating
    assert recsys.evaluate(run)["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(error))), rel=1e-5)


def test_new_items_count_their_ratings_and_new_users_have_none_of_it(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n-99,100,5\n3,99,2\n4,99,4\n3,200,2.5\n")
    fold_in_run(run, tmp_path / "new.csv", tmp_path / "child")
    bundle, before, after = open_bundle(tmp_path / "child"), raters(run), raters(tmp_path / "child")
    assert after.n_ratings[bundle.items.index([99, 200])].tolist() == [2, 1]
    assert after.user[bundle.users.index([-99])].tolist() == [0]
    known = bundle.items.index(open_bundle(run).items.ids)
    assert after.n_ratings[known].tolist() == before.n_ratings[:-1].tolist()
    assert after.weights.tolist() == before.weights.tolist()


def test_an_export_says_what_predict_says(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_readme: Callable[[Path], Any]
) -> None:
    bundle = open_bundle(run)
    export_factors(bundle, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    names, printed = run_readme(tmp_path / "out")
    user, item = bundle.users.id_at(0), bundle.items.id_at(0)
    assert float(printed[0]) == pytest.approx(Recommender(bundle).predict(user, item).rating, abs=1e-5)
    assert {"bias", "rater"} < {*names["users"]} & {*names["items"]}
    assert names["model"]["unknown_item"]["rater"] == pytest.approx(raters(run).weights[0])
