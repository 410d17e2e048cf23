from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recsys.core.communicator import ALONE
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.objectives.measure import beats_baseline, best_baseline, measure
from recsys.objectives.rating import RATING

InputsOf = Callable[..., TrainingInputs]


@pytest.fixture
def train(rated: Callable[..., Interactions]) -> Interactions:
    return rated([(u, i, float(u + i % 3)) for u in range(4) for i in range(5)])


def test_the_model_is_measured_on_both_parts_and_the_baselines_on_test(
    train: Interactions, inputs_of: InputsOf
) -> None:
    valid, test = train.take(slice(0, 3)), train.take(slice(3, 10))
    scorer = baselines.biases(train, damping=0)
    metrics = measure(RATING, scorer, inputs_of(train, valid, test), 1, ALONE)
    assert metrics["valid"] == evaluate(scorer, valid).to_dict()
    assert metrics["test"] == evaluate(scorer, test).to_dict()
    assert metrics["baselines"]["global_mean"] == evaluate(baselines.global_mean(train), test).to_dict()
    assert metrics["baselines"]["biases"] == evaluate(baselines.biases(train), test).to_dict()


def test_without_test_the_baselines_are_measured_on_valid(train: Interactions, inputs_of: InputsOf) -> None:
    valid = train.take(slice(0, 3))
    metrics = measure(RATING, baselines.global_mean(train), inputs_of(train, valid), 1, ALONE)
    assert metrics["test"] is None
    assert metrics["baselines"]["global_mean"] == metrics["valid"]


def test_with_neither_nothing_is_measured(train: Interactions, inputs_of: InputsOf) -> None:
    metrics = measure(RATING, baselines.global_mean(train), inputs_of(train), 1, ALONE)
    assert metrics == {"valid": None, "test": None, "baselines": {"global_mean": None, "biases": None}}
    assert beats_baseline(RATING, metrics) is None


def noisy(ratings: Interactions, spread: float) -> Any:
    """A scorer that is off by `spread` everywhere."""

    class Noisy:
        def rate(self, user_idx: Any, item_idx: Any, timestamp: Any) -> Any:
            return ratings.rating + np.float32(spread)

    return Noisy()


@pytest.mark.parametrize(
    ("spread", "baseline", "value", "is_real"), [(0.0, "biases", -0.35, True), (9.0, "biases", 8.6, True)]
)
def test_the_difference_is_to_the_best_baseline_with_an_interval_where_ratings_are_few(
    spread: float, baseline: str, value: float, is_real: bool, rated: Callable[..., Interactions], inputs_of: InputsOf
) -> None:
    ratings = rated([(u, i, float(u % 3 + i % 2)) for u in range(12) for i in range(6)])
    metrics = measure(RATING, noisy(ratings, spread), inputs_of(ratings, None, ratings), 1, ALONE)
    difference = metrics["difference"]
    assert (difference["baseline"], difference["is_real"]) == (baseline, is_real)
    assert difference["value"] == pytest.approx(value, abs=0.3)
    assert difference["low"] <= difference["value"] <= difference["high"]


def test_few_users_tell_nothing_and_many_ratings_need_no_interval(
    train: Interactions, inputs_of: InputsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = measure(RATING, noisy(train, 0.1), inputs_of(train, train), 1, ALONE)
    assert {key: metrics["difference"][key] for key in ("low", "high", "is_real")} == {
        "low": None,
        "high": None,
        "is_real": False,
    }
    monkeypatch.setattr("recsys.objectives.measure.FEW", 3)
    assert measure(RATING, noisy(train, 0.1), inputs_of(train, train), 1, ALONE)["difference"]["is_real"] is None


def test_the_global_mean_has_to_be_beaten_where_it_is_better_than_the_biases() -> None:
    baselines = {"biases": {"rmse": 0.9}, "global_mean": {"rmse": 0.8}}
    metrics = {"valid": None, "test": {"rmse": 0.85}, "baselines": baselines}
    assert best_baseline(RATING, baselines) == "global_mean"
    assert beats_baseline(RATING, metrics) is False


def scores(rmse: float | None) -> dict[str, Any] | None:
    return None if rmse is None else {"rmse": rmse}


@pytest.mark.parametrize(
    ("valid", "test", "beats"),
    [
        (None, 0.8, True),
        (None, 0.9, False),  # as good is not better
        (None, 1.0, False),
        (0.8, None, True),
        (1.0, None, False),
        (1.0, 0.8, True),  # test counts where there is one
        (0.8, 1.0, False),
    ],
)
def test_beating_the_baseline_is_a_lower_rmse_than_that_of_the_biases(
    valid: float | None, test: float | None, beats: bool
) -> None:
    metrics = {"valid": scores(valid), "test": scores(test), "baselines": {"biases": {"rmse": 0.9}}}
    assert beats_baseline(RATING, metrics) is beats
