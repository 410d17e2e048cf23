"""How an embedding net is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.config import Config
from recsys.config.load import config_from
from recsys.data.read import read_ratings
from recsys.data.split import Parts, split
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.training.build import build_learner
from recsys.training.fit import fit

CHANGES: dict[str, dict[str, Any]] = {
    "user_dim": {"user_dim": 6},
    "item_dim": {"item_dim": 6},
    "layers": {"layers": [8]},
    "no layers": {"layers": []},
    "batch_norm": {"batch_norm": False},
    "dropout": {"dropout": 0.2},
    "embedding_dropout": {"embedding_dropout": 0.2},
    "y_range": {"y_range": [0, 6]},
}
STILL = {"kind": "embedding_net", "dropout": 0.0, "embedding_dropout": 0.0}


@pytest.fixture(scope="module")
def parts(small: Callable[..., Config]) -> Parts:
    config = small()
    return split(read_ratings(config.data), config.split, config.seed)


def trained(config: Config, parts: Parts) -> np.ndarray[Any, Any]:
    """Every rating that the network of a config predicts."""
    learner = build_learner(config, parts)
    for _ in fit(learner):
        pass
    users, items = np.divmod(np.arange(40 * 50, dtype=np.int32), 50)
    return learner.scorer().rate(users, items).rating


@pytest.fixture(scope="module")
def unchanged(small: Callable[..., Config], parts: Parts) -> np.ndarray[Any, Any]:
    return trained(small(model=STILL), parts)


@pytest.mark.parametrize("name", CHANGES)
def test_every_hyperparameter_changes_the_result(
    small: Callable[..., Config], parts: Parts, unchanged: np.ndarray[Any, Any], name: str
) -> None:
    changed = trained(small(model=STILL | CHANGES[name]), parts)
    assert np.abs(changed - unchanged).max() > 1e-3


def test_the_same_config_gives_the_same_bits(small: Callable[..., Config], parts: Parts) -> None:
    config = small(model={"kind": "embedding_net", "dropout": 0.2, "embedding_dropout": 0.2})
    np.testing.assert_array_equal(trained(config, parts), trained(config, parts))


def test_a_last_batch_of_one_is_trained_on(small: Callable[..., Config], parts: Parts) -> None:
    training = {"batch_size": len(parts.train) - 1}
    assert np.isfinite(trained(small(model=STILL, training=training), parts)).all()


def test_planted_ratings_are_recovered(planted: Any) -> None:
    model = {"kind": "embedding_net", "user_dim": 8, "item_dim": 8, "layers": [64, 32], "embedding_dropout": 0.0}
    training = {"method": "adamw", "n_epochs": 30, "batch_size": 256, "lr_max": 0.02, "weight_decay": 0.1}
    config = config_from({"data": {"ratings": "-"}, "model": model, "training": training}, Path.cwd())
    parts = split(planted.dataset, config.split, seed=1)
    learner = build_learner(config, parts)
    for _ in fit(learner):
        pass
    assert parts.test is not None
    rmse = evaluate(learner.scorer(), parts.test).rmse
    assert evaluate(baselines.biases(parts.train), parts.test).rmse > 4 * planted.noise
    assert rmse < 1.6 * planted.noise
