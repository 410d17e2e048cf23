"""A run whose users' biases move: predictions at a time, in and out of files, and what is measured on them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.schema.config import Config
from recsys.core.errors import DataError, RunError
from recsys.core.events import silent
from recsys.inference.batch import predict_file
from recsys.inference.export import export_factors
from recsys.inference.recommender import Recommender
from recsys.workflows.evaluate import coverage_of, evaluate_ratings, ratings_to_measure
from recsys.workflows.fold_in_run import fold_in_run
from recsys.workflows.train import train

GIBBS = {"method": "gibbs", "n_epochs": 40}
START = 1_000_000_000.0
DRIFTING = {"model": {"user_drift": True}, "training": GIBBS}


@pytest.fixture(scope="module")
def folder(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drifting") / "run"
    train(small(**DRIFTING), folder)
    return folder


@pytest.fixture(scope="module")
def drifting(folder: Path) -> Recommender:
    return Recommender.open(folder)


def test_the_drift_is_a_part_of_a_prediction_at_a_time(drifting: Recommender) -> None:
    still, moved = drifting.predict(0, 100), drifting.predict(0, 100, at=START + 9_000)
    assert "user_drift" not in still.parts
    assert moved.parts["user_drift"] != 0
    assert sum(moved.parts.values()) == pytest.approx(moved.score, abs=1e-5)
    assert moved.score - still.score == pytest.approx(moved.parts["user_drift"], abs=1e-5)
    assert json.loads(json.dumps(moved.to_dict()))["parts"] == moved.parts


def test_long_after_the_last_rating_the_drift_is_forgotten(drifting: Recommender) -> None:
    late = drifting.predict(0, 100, at=START + 1e10)
    assert late.parts["user_drift"] == pytest.approx(0, abs=1e-6)


def test_an_interval_is_wider_where_the_drift_is_not_known(drifting: Recommender) -> None:
    at_no_time, late = (drifting.predict(0, 100, interval=0.9, at=at) for at in (None, START + 1e10))
    known = drifting.predict(0, 100, interval=0.9, at=START + 9_000)
    assert at_no_time.std is not None
    assert known.std is not None
    assert late.std == pytest.approx(at_no_time.std, rel=1e-5)
    assert known.std < at_no_time.std


def test_an_unknown_user_has_no_drift(drifting: Recommender) -> None:
    assert drifting.predict(10_000, 100, on_unknown="mean", at=START).parts["user_drift"] == 0


def test_held_out_ratings_are_measured_at_their_times(folder: Path, drifting: Recommender) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    ratings = ratings_to_measure(drifting.bundle)
    assert ratings.timestamp is not None
    measured = evaluate_ratings(drifting.bundle, ratings)
    assert measured["with_times"] is True
    assert measured["rmse"] == pytest.approx(metrics["test"]["rmse"], rel=1e-6)
    errors = [
        drifting.predict(user, item, at=at).rating - rating
        for user, item, rating, at in zip(
            ratings.users.ids[ratings.user_idx].tolist(),
            ratings.items.ids[ratings.item_idx].tolist(),
            ratings.rating.tolist(),
            ratings.timestamp.tolist(),
            strict=True,
        )
    ]
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(metrics["test"]["rmse"], rel=1e-5)
    assert 0.7 < coverage_of(drifting.bundle, ratings, 0.9)["coverage"] <= 1


def test_a_file_is_predicted_at_its_times_and_without_them_at_none(drifting: Recommender, tmp_path: Path) -> None:
    for name, text in (
        ("timed", "userId,movieId,timestamp\n0,100,1000009000\n3,120,1000000000\n"),
        ("not timed", "userId,movieId\n0,100\n3,120\n"),
    ):
        (tmp_path / f"{name}.csv").write_text(text)
        output = tmp_path / f"{name}-out.csv"
        counts = predict_file(drifting.bundle, tmp_path / f"{name}.csv", output, "error", silent, interval=0.8)
        assert counts["with_times"] is (name == "timed")
        rows = list(csv.DictReader(output.read_text().splitlines()))
        times: list[Any] = [START + 9_000, START] if name == "timed" else [None, None]
        requests = zip([(0, 100), (3, 120)], times, strict=True)
        expected = [drifting.predict(*pair, at=at, interval=0.8) for pair, at in requests]
        assert [float(row["rating"]) for row in rows] == pytest.approx(
            [prediction.rating for prediction in expected], rel=1e-5
        )
        assert [float(row["std"]) for row in rows] == pytest.approx(
            [prediction.std for prediction in expected], rel=1e-5
        )


def test_ratings_without_times_can_be_measured_too(drifting: Recommender, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n0,100,3\n3,120,4\n")
    ratings = ratings_to_measure(drifting.bundle, tmp_path / "new.csv")
    assert evaluate_ratings(drifting.bundle, ratings)["with_times"] is False


def test_a_time_is_refused_where_predictions_do_not_depend_on_it(finished: Path) -> None:
    recommender = Recommender.open(finished)
    with pytest.raises(RunError, match="do not depend on time") as caught:
        recommender.predict(0, 100, at=START)
    assert "user_drift" in (caught.value.expected or "")
    assert "with_times" not in evaluate_ratings(recommender.bundle, ratings_to_measure(recommender.bundle))


def test_the_same_seed_gives_the_same_bits(small: Callable[..., Config], folder: Path, tmp_path: Path) -> None:
    train(small(model={"user_drift": True}, training={**GIBBS, "n_threads": 1}), tmp_path / "again")
    name = "serving/scorer.safetensors"
    assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_ratings_without_times_are_refused_before_anything_is_trained(
    small: Callable[..., Config], ratings_csv: Path, tmp_path: Path
) -> None:
    config = small(data={"columns": {"timestamp": False}}, **DRIFTING)
    with pytest.raises(DataError, match="no timestamps"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "history.jsonl").exists()


def test_users_that_are_folded_in_leave_the_others_their_drift(
    drifting: Recommender, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("userId,movieId,rating\n-99,100,5\n2,200,1\n99,100,5\n99,120,1\n")
    fold_in_run(folder, tmp_path / "new.csv", tmp_path / "longer")
    longer = Recommender.open(tmp_path / "longer")
    for user in (-5, 0, 34):
        before, after = (recommender.predict(user, 110, at=START + 9_000) for recommender in (drifting, longer))
        assert after.parts["user_drift"] == before.parts["user_drift"] != 0
    assert longer.predict(99, 100, at=START).parts["user_drift"] == 0


def test_an_export_says_that_the_drift_is_not_in_it(drifting: Recommender, tmp_path: Path) -> None:
    export_factors(drifting.bundle, tmp_path / "factors", "csv")
    assert "each user's bias moves with time" in (tmp_path / "factors" / "README.md").read_text()
