"""Whether training finds what was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.loading.load import config_from
from recsys.config.plans import plans
from recsys.core.communicator import ALONE
from recsys.data.split import split
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.training.build import build_learner
from recsys.training.loop import fit

ADAMW = {"method": "adamw", "n_epochs": 25, "batch_size": 256, "lr_max": 0.05, "weight_decay": 0.05}
METHODS: dict[str, dict[str, Any]] = {
    "adamw": {**ADAMW, "n_epochs": 20, "batch_size": 512},
    "sgd": {"method": "sgd", "n_epochs": 60, "lr_max": 0.1, "weight_decay": 0.005},
}


@pytest.mark.parametrize(
    "training", [*METHODS.values(), pytest.param(ADAMW, marks=pytest.mark.slow)], ids=[*METHODS, "adamw-longer"]
)
def test_planted_factors_are_recovered(planted: Any, training: dict[str, Any]) -> None:
    config = config_from({"data": {"ratings": "-"}, "model": {"embedding_dim": 3}, "training": training}, Path.cwd())
    splits = split(planted.dataset, config.split, seed=1)
    learner = build_learner(plans(config)[0], TrainingInputs(splits), ALONE)
    for _ in fit(learner):
        pass
    assert splits.test is not None
    rmse = evaluate(learner.scorer(), splits.test).metrics["rmse"]
    biases = evaluate(baselines.biases(splits.train), splits.test).metrics["rmse"]
    assert biases > 4 * planted.noise
    assert planted.noise * 0.9 < rmse < planted.noise * 1.15
