"""A model's scores beside those of the baselines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.scoring.protocols import Scorer


def measure(scorer: Scorer, inputs: TrainingInputs) -> dict[str, Any]:
    """Scores on valid and test (None for a part that is not there); the baselines on test, else on valid."""
    splits = inputs.splits
    measured_on = splits.test or splits.valid
    simple = {"global_mean": baselines.global_mean, "biases": baselines.biases}
    return {
        "valid": asdict(evaluate(scorer, splits.valid)) if splits.valid else None,
        "test": asdict(evaluate(scorer, splits.test)) if splits.test else None,
        "baselines": {
            name: asdict(evaluate(fit_baseline(inputs.seen_ratings), measured_on)) if measured_on else None
            for name, fit_baseline in simple.items()
        },
    }


def beats_baseline(metrics: dict[str, Any]) -> bool | None:
    """Whether the model's rmse is below that of the biases on the same ratings; None if nothing was measured."""
    measured = metrics["test"] or metrics["valid"]
    if measured is None:
        return None
    return bool(measured["rmse"] < metrics["baselines"]["biases"]["rmse"])
