from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config.load import load_config
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.errors import DataError
from recsys.evaluation.summary import measure
from recsys.serving.evaluate import evaluate_file
from recsys.serving.recommender import Recommender


@pytest.fixture(scope="module")
def recommender(finished: Path) -> Recommender:
    return Recommender.open(finished)


def test_a_file_of_the_test_ratings_gives_the_metrics_of_the_run(
    recommender: Recommender, finished: Path, tmp_path: Path
) -> None:
    config = load_config(finished / "config.yaml")
    parts = split(read_ratings(config.data), config.split, config.seed)
    assert parts.test is not None
    frame = parts.test.to_frame().rename(columns={"user_id": "userId", "item_id": "movieId"})
    frame.to_csv(tmp_path / "test.csv", index=False)
    found = evaluate_file(recommender.store, tmp_path / "test.csv")
    expected = measure(recommender.store.factors, parts)
    assert {key: found[key] for key in expected["test"]} == pytest.approx(expected["test"])
    for name, scores in expected["baselines"].items():
        assert found["baselines"][name] == pytest.approx(scores)


def test_unknown_ids_are_measured_by_the_fallback_and_counted(recommender: Recommender, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n0,100,4\n999,100,3\nx,1000,2\n0,1000,1\n")
    found = evaluate_file(recommender.store, tmp_path / "new.csv")
    assert (found["n_ratings"], found["n_unknown_users"], found["n_unknown_items"]) == (4, 2, 2)
    pairs = [(0, 100, 4), (999, 100, 3), ("x", 1000, 2), (0, 1000, 1)]
    errors = [recommender.predict(u, i, on_unknown="mean").rating - r for u, i, r in pairs]
    assert found["mae"] == pytest.approx(sum(map(abs, errors)) / 4)


def test_a_file_without_ratings_is_a_data_error(recommender: Recommender, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId\n0,100\n")
    with pytest.raises(DataError, match="rating"):
        evaluate_file(recommender.store, tmp_path / "new.csv")


def test_a_file_that_is_not_there_is_a_data_error(recommender: Recommender, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        evaluate_file(recommender.store, tmp_path / "new.csv")
    assert caught.value.exit_code == 3


def test_the_answer_is_that_of_the_contract(recommender: Recommender, ratings_csv: Path) -> None:
    found = evaluate_file(recommender.store, ratings_csv)
    assert found["n_ratings"] == 900
    assert found.keys() == {"rmse", "mae", "n_ratings", "n_unknown_users", "n_unknown_items", "baselines"}
