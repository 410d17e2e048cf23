"""A model's scores beside those of the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # pydantic reads those of `typing` from Python 3.12 on

from recsys.objectives.objective import Objective

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator
    from recsys.data.training_inputs import TrainingInputs
    from recsys.scoring.protocols import Ranker

NamedScores = Mapping[str, float]


class Measured(TypedDict):
    """Scores on each part that was held out, and those of the baselines on test, else on the validation set."""

    valid: NamedScores | None
    test: NamedScores | None
    baselines: dict[str, NamedScores | None]


def measure(objective: Objective, scorer: Ranker, inputs: TrainingInputs, communicator: Communicator) -> Measured:
    """Scores on valid and test (None for a part that is not there); the baselines on test, else on valid."""
    splits, seen = inputs.splits, inputs.seen
    measured_on = splits.test or splits.valid
    return {
        "valid": objective.evaluate(scorer, splits.valid, seen, communicator).to_dict() if splits.valid else None,
        "test": objective.evaluate(scorer, splits.test, seen, communicator).to_dict() if splits.test else None,
        "baselines": {
            name: objective.evaluate(fit_baseline(seen), measured_on, seen, communicator).to_dict()
            if measured_on
            else None
            for name, fit_baseline in objective.baselines.items()
        },
    }


class StartMeasured(TypedDict):
    """Scores on new interactions, and on those that earlier runs were measured on."""

    new: NamedScores | None
    old: NamedScores | None


def present(part: NamedScores | None) -> NamedScores:
    """The scores on a part that is known to be there."""
    assert part is not None
    return part


def measure_start(
    objective: Objective, scorer: Ranker, inputs: TrainingInputs, communicator: Communicator
) -> StartMeasured:
    """The scores on new interactions (test, else valid), and on those that earlier runs were measured on."""
    seen, new, old = inputs.seen, inputs.splits.test or inputs.splits.valid, inputs.prior_test
    return {
        "new": objective.evaluate(scorer, new, seen, communicator).to_dict() if new else None,
        "old": objective.evaluate(scorer, old, seen, communicator).to_dict() if old else None,
    }


def beats_baseline(objective: Objective, measured: Measured) -> bool | None:
    """Whether the model is better than the baseline to beat on the same interactions; None if nothing was measured."""
    scores = measured["test"] or measured["valid"]
    baseline = measured["baselines"][objective.baseline_to_beat]
    if scores is None or baseline is None:
        return None
    return objective.cost(objective.value(scores)) < objective.cost(objective.value(baseline))
