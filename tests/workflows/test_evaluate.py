from __future__ import annotations

import json
from pathlib import Path

import pytest

from recsys.config.loading.load import load_config
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.data.training_inputs import TrainingInputs
from recsys.inference.recommender import Recommender
from recsys.objectives.measure import measure
from recsys.objectives.rating import RATING
from recsys.workflows.evaluate import (
    activity_of,
    evaluate_ratings,
    ratings_to_measure,
)


@pytest.fixture(scope="module")
def recommender(finished: Path) -> Recommender:
    return Recommender.open(finished)


def test_a_file_of_the_test_ratings_gives_the_metrics_of_the_run(
    recommender: Recommender, finished: Path, tmp_path: Path
) -> None:
    config = load_config(finished / "config.yaml")
    splits = split(read_ratings(config.data, ALONE), config.split, config.seed)
    assert splits.test is not None
    frame = splits.test.to_frame().rename(columns={"user_id": "userId", "item_id": "movieId"})
    frame.to_csv(tmp_path / "test.csv", index=False)
    answer = evaluate_ratings(recommender.bundle, ratings_to_measure(recommender.bundle, tmp_path / "test.csv"))
    expected = measure(RATING, recommender.bundle.factors, TrainingInputs(splits), config.seed, ALONE)
    assert {key: answer[key] for key in expected["test"]} == pytest.approx(expected["test"])
    for name, scores in expected["baselines"].items():
        assert answer["baselines"][name] == pytest.approx(scores)


def test_unknown_ids_are_measured_by_the_fallback_and_counted(recommender: Recommender, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n0,100,4\n999,100,3\nx,1000,2\n0,1000,1\n")
    answer = evaluate_ratings(recommender.bundle, ratings_to_measure(recommender.bundle, tmp_path / "new.csv"))
    assert (answer["n_ratings"], answer["n_unknown_users"], answer["n_unknown_items"]) == (4, 2, 2)
    pairs = [(0, 100, 4), (999, 100, 3), ("x", 1000, 2), (0, 1000, 1)]
    errors = [recommender.predict(u, i, on_unknown="mean").rating - r for u, i, r in pairs]
    assert answer["mae"] == pytest.approx(sum(map(abs, errors)) / 4)


def test_a_file_without_ratings_is_a_data_error(recommender: Recommender, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId\n0,100\n")
    with pytest.raises(DataError, match="rating"):
        ratings_to_measure(recommender.bundle, tmp_path / "new.csv")


def test_a_file_that_is_not_there_is_a_data_error(recommender: Recommender, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ratings_to_measure(recommender.bundle, tmp_path / "new.csv")
    assert caught.value.exit_code == 3


def test_the_answer_is_that_of_the_contract(recommender: Recommender, ratings_csv: Path) -> None:
    answer = evaluate_ratings(recommender.bundle, ratings_to_measure(recommender.bundle, ratings_csv))
    assert answer["n_ratings"] == 900
    counts = {"n_ratings", "n_unknown_users", "n_unknown_items"}
    assert answer.keys() == {"objective", "rmse", "mae", *counts, "baselines"}


def test_without_a_file_the_runs_own_test_ratings_are_measured(recommender: Recommender, finished: Path) -> None:
    answer = evaluate_ratings(recommender.bundle, ratings_to_measure(recommender.bundle))
    metrics = json.loads((finished / "metrics.json").read_text())
    assert answer == {"objective": "rating", **metrics["test"], "baselines": metrics["baselines"]}


def test_activity_adds_up_to_the_whole(recommender: Recommender) -> None:
    ratings = ratings_to_measure(recommender.bundle)
    whole = evaluate_ratings(recommender.bundle, ratings)
    for rows in activity_of(recommender.bundle, ratings).values():
        assert sum(row["n_ratings"] for row in rows) == whole["n_ratings"]
        for who, rmse in (("model", whole["rmse"]), ("biases", whole["baselines"]["biases"]["rmse"])):
            squares = sum(row[who] ** 2 * row["n_ratings"] for row in rows)
            assert (squares / whole["n_ratings"]) ** 0.5 == pytest.approx(rmse)
