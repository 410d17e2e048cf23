"""A model's scores beside those of the baselines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from recsys.data.split import Parts
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.scoring.protocols import Scorer


def measure(scorer: Scorer, parts: Parts) -> dict[str, Any]:
    """Scores on valid and test (None for a part that is not there); the baselines on test, else on valid."""
    measured_on = parts.test or parts.valid
    simple = {"global_mean": baselines.global_mean, "biases": baselines.biases}
    return {
        "valid": asdict(evaluate(scorer, parts.valid)) if parts.valid else None,
        "test": asdict(evaluate(scorer, parts.test)) if parts.test else None,
        "baselines": {
            name: asdict(evaluate(fit_baseline(parts.seen_ratings), measured_on)) if measured_on else None
            for name, fit_baseline in simple.items()
        },
    }


def beats_baseline(metrics: dict[str, Any]) -> bool | None:
    """Whether the model's rmse is below that of the biases on the same ratings; None if nothing was measured."""
    measured = metrics["test"] or metrics["valid"]
    if measured is None:
        return None
    return bool(measured["rmse"] < metrics["baselines"]["biases"]["rmse"])
