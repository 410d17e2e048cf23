from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.config import Config
from recsys.errors import RunError, UsageError
from recsys.records import silent
from recsys.serving.batch import predict_file
from recsys.serving.evaluate import coverage_of, ratings_to_measure
from recsys.serving.recommender import Recommender
from recsys.workflows.train import train

GIBBS = {"method": "gibbs", "n_epochs": 40}


@pytest.fixture(scope="module")
def sampled(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("sampled") / "run"
    train(small(training=GIBBS), folder)
    return Recommender.open(folder)


@pytest.fixture(scope="module")
def without_valid(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recommender]:
    found = {}
    for method, training in (("gibbs", GIBBS), ("adamw", {})):
        folder = tmp_path_factory.mktemp("no valid") / method
        train(small(training=training, split={"valid_fraction": 0}), folder)
        found[method] = Recommender.open(folder)
    return found


@pytest.mark.parametrize("name", ["finished", "sampled"])
def test_a_wider_interval_holds_more_and_lies_around_the_rating(name: str, request: pytest.FixtureRequest) -> None:
    given = request.getfixturevalue(name)
    recommender = given if name == "sampled" else Recommender.open(given)
    levels = (0.3, 0.6, 0.9)
    answers = [recommender.predict(0, 100, interval=level) for level in levels]
    between = [(one.interval.low, one.interval.high) for one in answers if one.interval]
    assert [one.interval.level for one in answers if one.interval] == list(levels)
    assert between[0][0] > between[1][0] > between[2][0]
    assert between[0][1] <= between[1][1] <= between[2][1] <= recommender.store.scorer.link.high
    assert all(low <= one.rating <= high for one, (low, high) in zip(answers, between, strict=True))
    assert len({one.std for one in answers}) == 1
    ratings = ratings_to_measure(recommender.store)
    covered = [coverage_of(recommender.store, ratings, level)["coverage"] for level in levels]
    assert covered == sorted(covered)
    assert covered[2] == pytest.approx(0.9, abs=0.12)  # 90 ratings


def test_without_being_asked_no_interval_is_given(sampled: Recommender) -> None:
    answer = sampled.predict(0, 100)
    assert (answer.std, answer.interval) == (None, None)
    assert not {"std", "interval"} & answer.to_dict().keys()
    asked = json.loads(json.dumps(sampled.predict(0, 100, interval=0.8).to_dict()))
    assert asked["interval"].keys() == {"level", "low", "high"}
    assert asked["std"] > 0


def test_an_unknown_id_has_a_wider_interval(sampled: Recommender) -> None:
    known = sampled.predict(0, 100, interval=0.5)
    unknown = sampled.predict(10_000, 10_000, interval=0.5, on_unknown="mean")
    assert known.std is not None
    assert unknown.std is not None
    assert unknown.std > known.std


def test_gibbs_needs_no_valid_part_and_other_methods_do(without_valid: dict[str, Recommender]) -> None:
    assert without_valid["gibbs"].predict(0, 100, interval=0.99).interval is not None
    with pytest.raises(RunError, match="has no intervals") as caught:
        without_valid["adamw"].predict(0, 100, interval=0.9)
    assert "valid_fraction" in (caught.value.hint or "")


@pytest.mark.parametrize("level", [0, 1, 90, -0.5, float("nan")])
def test_a_level_that_is_no_share_is_refused(sampled: Recommender, level: float) -> None:
    with pytest.raises(UsageError, match="no level") as caught:
        sampled.predict(0, 100, interval=level)
    assert caught.value.hint == ("90% is 0.9" if level == 90 else None)


def test_a_level_beyond_what_valid_can_tell_is_refused_with_the_highest(finished: Path) -> None:
    with pytest.raises(RunError, match="90 valid ratings") as caught:
        Recommender.open(finished).predict(0, 100, interval=0.999)
    assert caught.value.expected == "a level of 0.985 or less"


def test_a_file_gets_std_and_ends_as_predict_gives_them(sampled: Recommender, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("userId,movieId\n0,100\n1,104\n")
    predict_file(sampled.store, pairs, tmp_path / "out.csv", "error", silent, 0.7)
    rows: list[dict[str, Any]] = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    for row in rows:
        one = sampled.predict(int(row["user_id"]), int(row["item_id"]), interval=0.7)
        assert one.interval is not None
        wanted = [one.rating, one.std, one.interval.low, one.interval.high]
        np.testing.assert_allclose([float(row[name]) for name in ("rating", "std", "low", "high")], wanted, rtol=1e-5)


def test_a_level_that_cannot_be_given_leaves_no_file(sampled: Recommender, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("userId,movieId\n0,100\n")
    with pytest.raises(UsageError):
        predict_file(sampled.store, tmp_path / "pairs.csv", tmp_path / "out.csv", "error", silent, 9.0)
    assert not (tmp_path / "out.csv").exists()
