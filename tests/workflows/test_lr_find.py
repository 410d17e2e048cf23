from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.events import Step
from recsys.objectives.rating import RATING
from recsys.workflows import lr_find as finding
from recsys.workflows.lr_find import _curve, lr_find
from recsys.workflows.lr_trial import LrComparison, LrTrial

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "default"), [({"method": "sgd"}, 0.04), ({"method": "adamw"}, 0.0065)], ids=["sgd", "adamw"]
)
def test_on_movielens_the_range_is_near_the_default_which_stays(training: dict[str, Any], default: float) -> None:
    found = lr_find(load_config(CONFIGS / "movielens-small.yaml", [f"training={training}"]))
    assert found.lr_max == found.auto == pytest.approx(default, rel=0.02)
    assert found.suggestion is None
    curve = found.curve
    assert default / 10 < curve.range[0] < curve.range[1] < default * 10
    assert curve.steepest < curve.minimum
    assert min(curve.smoothed) < 0.8
    assert curve.loss[-1] > min(curve.loss) * 1.2


@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"method": "sgd"}},
        {"model": {"kind": "svdpp"}, "training": {"method": "sgd"}},
        {},
        {"model": {"kind": "embedding_net"}},
    ],
)
def test_the_rate_rises_and_the_loss_is_that_of_the_ratings_seen(
    small: Callable[..., Config], sections: dict[str, Any]
) -> None:
    events: list[Any] = []
    found = lr_find(small(**sections), events.append)
    curve = found.curve
    assert curve.lr[0] == finding.FIRST
    assert (np.diff(curve.lr) > 0).all()
    assert curve.loss[0] == pytest.approx(1.0, rel=0.6)
    assert any(isinstance(event, Step) for event in events)
    answer = json.loads(json.dumps(found.to_dict()))
    assert answer["range"] == [curve.steepest, max(curve.steepest, curve.minimum / 3)]
    assert answer["lr_max"] == 0.05


def test_large_data_is_sampled(small: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_RATINGS", 200)
    events: list[Any] = []
    lr_find(small(training={"method": "sgd"}), events.append)
    assert {event.total for event in events if isinstance(event, Step)} == {200}


def test_one_noisy_loss_makes_no_suggestion() -> None:
    lr = np.geomspace(1e-5, 1, 60)
    loss = 1 - 0.4 / (1 + (0.02 / lr) ** 2)
    loss[8] += 0.3
    curve = _curve(list(zip(lr.tolist(), loss.tolist(), strict=True)))
    assert 0.005 < curve.steepest < 0.1


@pytest.mark.parametrize(
    ("training", "rates", "suggestion"),
    [
        ({"method": "sgd", "lr_max": 1e-4}, [pytest.approx(0.005, rel=3), "auto"], "auto"),
        ({"method": "sgd", "lr_max": "slice(1e-4)"}, ["slice(", "auto"], "auto"),
        ({"method": "sgd", "lr_max": "auto"}, None, None),
    ],
)
def test_a_rate_outside_the_range_is_compared_with_others(
    small: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    training: dict[str, Any],
    rates: list[Any] | None,
    suggestion: str | None,
) -> None:
    monkeypatch.setattr(finding, "LITTLE", -1.0)
    monkeypatch.setattr(finding.LrCurve, "range", (0.005, 0.05))
    found = lr_find(small(training={**training, "n_epochs": 20}))
    assert found.suggestion == suggestion
    assert found.is_in_range == (found.comparison is None) == (rates is None)
    if found.comparison is not None and rates is not None:
        tried = [trial.lr_max for trial in found.comparison.trials]
        assert all(
            str(rate).startswith(want) if isinstance(want, str) else rate == want
            for rate, want in zip(tried, rates, strict=True)
        )


@pytest.mark.parametrize(
    ("sections", "of_config", "suggestion"),
    [
        ({"training": {"method": "sgd", "lr_max": 1e4}}, None, 0.05),
        ({"training": {"method": "sgd"}, "split": {"valid_fraction": 0.0}}, "nothing", None),
    ],
    ids=["diverged", "nothing held out"],
)
def test_rates_are_compared_as_far_as_they_can_be(
    small: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    sections: dict[str, Any],
    of_config: str | None,
    suggestion: float | None,
) -> None:
    monkeypatch.setattr(finding, "LITTLE", -1.0)
    monkeypatch.setattr(finding.LrCurve, "range", (0.01, 0.05) if of_config is None else (1e-9, 1e-8))
    found = lr_find(small(**sections))
    if of_config is None:
        assert found.comparison is not None
        assert found.comparison.of_config is None
        assert found.suggestion in (suggestion, "auto")
    else:
        assert (found.comparison, found.suggestion) == (None, None)


def test_the_best_of_the_better_rates_is_suggested() -> None:
    trials = [
        LrTrial(rate, value, None, is_better=better)
        for rate, value, better in [(0.1, 0.9, True), ("auto", 0.8, True), (0.3, 0.7, False)]
    ]
    assert LrComparison(RATING, 100, 1.0, tuple(trials)).suggestion == "auto"
    assert LrComparison(RATING, 100, 1.0, tuple(trials[2:])).suggestion is None


def test_gibbs_has_no_learning_rate(small: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match="no learning rate"):
        lr_find(small(training={"method": "gibbs"}))
