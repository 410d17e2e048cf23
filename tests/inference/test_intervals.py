from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.arrays import memory_map, write_arrays
from recsys.artifacts.intervals import interval_arrays, intervals_entry, intervals_layout, read_intervals
from recsys.artifacts.verified import check_layout
from recsys.config.schema.config import Config
from recsys.core.errors import RunError, UsageError
from recsys.core.events import silent
from recsys.core.types import Float32Array
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.intervals import Intervals, learn_intervals
from recsys.inference.batch import predict_file
from recsys.inference.recommender import Recommender
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.workflows.evaluate import coverage_of, ratings_to_measure
from recsys.workflows.train import train

GIBBS = {"method": "gibbs", "n_epochs": 40}


@pytest.fixture(scope="module")
def sampled(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("sampled") / "run"
    train(small(training=GIBBS), folder)
    return Recommender.open(folder)


@pytest.fixture(scope="module")
def without_valid(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recommender]:
    recommenders = {}
    for method, training in (("gibbs", GIBBS), ("adamw", {})):
        folder = tmp_path_factory.mktemp("no valid") / method
        train(small(training=training, split={"valid_fraction": 0}), folder)
        recommenders[method] = Recommender.open(folder)
    return recommenders


@pytest.mark.parametrize("name", ["finished", "sampled"])
def test_a_wider_interval_holds_more_and_lies_around_the_rating(name: str, request: pytest.FixtureRequest) -> None:
    given = request.getfixturevalue(name)
    recommender = given if name == "sampled" else Recommender.open(given)
    levels = (0.3, 0.6, 0.9)
    answers = [recommender.predict(0, 100, interval=level) for level in levels]
    between = [(prediction.interval.low, prediction.interval.high) for prediction in answers if prediction.interval]
    assert [prediction.interval.level for prediction in answers if prediction.interval] == list(levels)
    assert between[0][0] > between[1][0] > between[2][0]
    assert between[0][1] <= between[1][1] <= between[2][1] <= recommender.bundle.scorer("rating").link.high
    assert all(low <= prediction.rating <= high for prediction, (low, high) in zip(answers, between, strict=True))
    assert len({prediction.std for prediction in answers}) == 1
    ratings = ratings_to_measure(recommender.bundle)
    covered = [coverage_of(recommender.bundle, ratings, level)["coverage"] for level in levels]
    assert covered == sorted(covered)
    assert covered[2] == pytest.approx(0.9, abs=0.12)  # 90 ratings


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_users_with_noise_of_their_own_are_covered_alike(seed: int) -> None:
    """300 users rate with a noise of 0.5 to 1.5, and the model is the truth; equal widths would hold 0.99 to 0.75."""
    noise = np.random.default_rng(seed).uniform(0.5, 1.5, 300)
    covered = _covered(*_planted(noise, taste=0.0, seed=seed), np.argsort(noise))
    assert covered == pytest.approx(0.9, abs=0.04)


def test_users_with_tastes_that_the_model_knows_are_not_taken_for_noisy() -> None:
    """The ratings of users with strong tastes lie far from their biases, but no farther from what is predicted."""
    taste = np.random.default_rng(1).uniform(0, 2, 300)
    covered = _covered(*_planted(np.ones(300), taste, seed=1), np.argsort(taste))
    assert covered == pytest.approx(0.9, abs=0.03)


def test_what_is_learned_is_read_as_it_was_written(tmp_path: Path) -> None:
    _, splits, learned = _planted(np.ones(300), taste=0.0, seed=1)
    entry = write_arrays(tmp_path / "new", interval_arrays(learned))
    arrays, counts = memory_map(tmp_path / "new", tmp_path, entry), (learned.user_counts, learned.item_counts)
    check_layout(tmp_path, arrays, intervals_layout(intervals_entry(learned)), n_users=300, n_items=len(counts[1]))
    read = read_intervals(arrays, intervals_entry(learned), *counts, None)
    assert splits.test is not None
    user_idx, item_idx = (np.append(idx, np.int32(-1)) for idx in (splits.test.user_idx, splits.test.item_idx))
    centre, link = np.full(len(user_idx), 3, np.float32), Link("clip", 1, 5)
    of_read, of_learned = (each.ends(centre, each.std(user_idx, item_idx), 0.9, link) for each in (read, learned))
    np.testing.assert_array_equal(of_read, of_learned)


def test_intervals_of_older_runs_are_read(tmp_path: Path) -> None:
    """Those with one factor by level and another by width, and those with six coefficients and none by width."""
    _, _, learned = _planted(np.ones(300), taste=0.0, seed=1)
    entry, counts = intervals_entry(learned), (learned.user_counts, learned.item_counts)
    rest = interval_arrays(learned)
    factors = rest.pop("factors_by_width")[:, 1].copy()
    del rest["mean_widths"]
    older = {**rest, "factors": factors, "widths": np.arange(5.0), "even": np.array([0.5, 1, 1, 1, 1])}
    oldest = {name: array for name, array in older.items() if name not in ("widths", "even")}
    oldest["coefficients"] = np.delete(older["coefficients"], [3, 4])
    for arrays in (older, oldest):
        check_layout(tmp_path, arrays, intervals_layout(entry), n_users=300, n_items=len(counts[1]))
    one, another = (read_intervals(arrays, entry, *counts, None).calibration for arrays in (older, oldest))
    width = np.array([0, 1, 3.5])
    np.testing.assert_allclose(one.factor(0.9, width), another.factor(0.9, width) * [0.5, 1, 1])
    assert another.coefficients[[3, 4]].tolist() == [0, 0]


def test_without_being_asked_no_interval_is_given(sampled: Recommender) -> None:
    answer = sampled.predict(0, 100)
    assert (answer.std, answer.interval) == (None, None)
    assert not {"std", "interval"} & answer.to_dict().keys()
    fields = json.loads(json.dumps(sampled.predict(0, 100, interval=0.8).to_dict()))
    assert fields["interval"].keys() == {"level", "low", "high"}
    assert fields["std"] > 0


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
    with pytest.raises(UsageError, match="level") as caught:
        sampled.predict(0, 100, interval=level)
    assert caught.value.hint == ("90% is 0.9" if level == 90 else None)


def test_a_level_beyond_what_valid_can_tell_is_refused_with_the_highest(finished: Path) -> None:
    with pytest.raises(RunError, match="90 validation ratings") as caught:
        Recommender.open(finished).predict(0, 100, interval=0.999)
    assert caught.value.expected == "a level of 0.985 or less"


@pytest.mark.parametrize("name", ["finished", "sampled"])
def test_a_file_gets_std_and_ends_as_predict_gives_them(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    given = request.getfixturevalue(name)
    recommender = given if name == "sampled" else Recommender.open(given)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("userId,movieId\n0,100\n1,104\n")
    predict_file(recommender.bundle, pairs, tmp_path / "out.csv", "error", silent, 0.7)
    rows: list[dict[str, Any]] = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    for row in rows:
        prediction = recommender.predict(int(row["user_id"]), int(row["item_id"]), interval=0.7)
        assert prediction.interval is not None
        wanted = [prediction.rating, prediction.std, prediction.interval.low, prediction.interval.high]
        np.testing.assert_allclose([float(row[name]) for name in ("rating", "std", "low", "high")], wanted, rtol=1e-5)


def test_a_level_that_cannot_be_given_leaves_no_file(sampled: Recommender, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("userId,movieId\n0,100\n")
    with pytest.raises(UsageError):
        predict_file(sampled.bundle, tmp_path / "pairs.csv", tmp_path / "out.csv", "error", silent, 9.0)
    assert not (tmp_path / "out.csv").exists()


def _planted(noise: Float32Array, taste: Float32Array | float, seed: int) -> tuple[Factors, Splits, Intervals]:
    """40,000 ratings by 300 users of 200 items: biases and, as strong as `taste`, three factors, all of them known."""
    draw = np.random.default_rng([seed, 7])
    n_users, n_items, n = 300, 200, 40_000
    user, item = np.divmod(draw.permutation(n_users * n_items)[:n].astype(np.int32), np.int32(n_items))
    biases = 0.3 * draw.normal(size=n_users), 0.3 * draw.normal(size=n_items)
    rows = np.reshape(taste, (-1, 1)) * draw.normal(size=(n_users, 3)), draw.normal(size=(n_items, 3))
    truth = Factors(3.0, *(_with_unknown(array) for array in (*biases, *rows)), Link("identity", 0.0, 0.0))
    rating = (truth.rate(user, item) + draw.normal(size=n) * noise[user]).astype(np.float32)
    ratings = Interactions(user, item, rating, None, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)))
    part = draw.integers(0, 4, n)
    splits = Splits(ratings.take(part > 1), ratings.take(part == 0), ratings.take(part == 1))
    learned = learn_intervals(truth, None, TrainingInputs(splits))
    assert learned is not None
    return truth, splits, learned


def _with_unknown(rows: Float32Array) -> Float32Array:
    return np.concatenate([rows, np.zeros_like(rows[:1])]).astype(np.float32)


def _covered(truth: Factors, splits: Splits, learned: Intervals, order: Float32Array) -> Float32Array:
    """Coverage of test at 0.9, by fifths of users in this order."""
    test = splits.test
    assert test is not None
    rating = truth.rate(test.user_idx, test.item_idx)
    std = learned.std(test.user_idx, test.item_idx)
    low, high = learned.ends(rating, std, 0.9, truth.link)
    fifth = np.argsort(order)[test.user_idx] * 5 // len(order)
    return np.bincount(fifth, (low <= test.rating) & (test.rating <= high)) / np.bincount(fifth)
