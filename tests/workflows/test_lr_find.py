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
from recsys.workflows import lr_find as finding
from recsys.workflows.lr_find import _curve, lr_find

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "default"), [({"method": "sgd"}, 0.04), ({"method": "adamw"}, 0.0065)], ids=["sgd", "adamw"]
)
def test_on_movielens_the_suggestion_is_near_the_default(training: dict[str, Any], default: float) -> None:
    curve = lr_find(load_config(CONFIGS / "movielens-small.yaml", [f"training={training}"]))
    assert default / 10 < curve.steepest < default * 10
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
    curve = lr_find(small(**sections), events.append)
    assert curve.lr[0] == finding.FIRST
    assert (np.diff(curve.lr) > 0).all()
    assert curve.loss[0] == pytest.approx(1.0, rel=0.6)
    assert any(isinstance(event, Step) for event in events)
    answer = json.loads(json.dumps(curve.to_dict()))
    assert sorted(answer) == ["fall", "loss", "lr", "minimum", "smoothed", "steepest", "suggestion"]


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


def test_gibbs_has_no_learning_rate(small: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match="no learning rate"):
        lr_find(small(training={"method": "gibbs"}))
