"""A model's scores beside those of the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # pydantic reads those of `typing` from Python 3.12 on

from recsys.data.interactions import join
from recsys.objectives.objective import Objective, Sample

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator
    from recsys.data.interactions import Interactions
    from recsys.data.training_inputs import TrainingInputs
    from recsys.scoring.protocols import Ranker

NamedScores = Mapping[str, float]


class Measured(TypedDict):
    """Scores on each part that was held out, and those of the baselines on test, else on the validation set."""

    valid: NamedScores | None
    test: NamedScores | None
    baselines: dict[str, NamedScores | None]


def measure(
    objective: Objective,
    scorer: Ranker,
    inputs: TrainingInputs,
    seed: int,
    communicator: Communicator,
    others: Mapping[str, Ranker] | None = None,
) -> Measured:
    """Scores on valid and test, None for a part with nothing to measure by; the baselines on test, else on valid.

    Args:
        seed: of what is drawn of each part, see Objective.sample.
        others: further scorers of the run; those that the objective also measures stand among the baselines.
    """
    seen, parts = inputs.seen, {"valid": inputs.splits.valid, "test": inputs.splits.test}
    samples = {name: objective.sample(part, seen, seed) if part else None for name, part in parts.items()}
    measured_on = samples["test"] or samples["valid"]

    def scores(of: Ranker, sample: Sample | None) -> NamedScores | None:
        return _scores(objective, of, sample, seen, communicator)

    baselines = {
        name: scores(fit_baseline(seen), measured_on) if measured_on else None
        for name, fit_baseline in objective.baselines.items()
    }
    also = {name: other for name, other in (others or {}).items() if name in objective.also_measured}
    return {
        "valid": scores(scorer, samples["valid"]),
        "test": scores(scorer, samples["test"]),
        "baselines": {**baselines, **{name: scores(other, measured_on) for name, other in also.items()}},
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
    objective: Objective, scorer: Ranker, inputs: TrainingInputs, seed: int, communicator: Communicator
) -> StartMeasured:
    """The scores on new interactions (test, else valid), and on those that earlier runs were measured on.

    Where nothing of the new ones is held out, test is of an earlier run too.
    """
    seen, new, old = inputs.seen, inputs.splits.test or inputs.splits.valid, inputs.prior_test
    if inputs.warm_start is not None and not inputs.warm_start.holds_out_new:
        new, old = None, new if old is None or new is None else join(new, old)
    samples = [objective.sample(part, seen, seed) if part else None for part in (new, old)]
    of_new, of_old = (_scores(objective, scorer, sample, seen, communicator) for sample in samples)
    return {"new": of_new, "old": of_old}


def _scores(
    objective: Objective, scorer: Ranker, sample: Sample | None, seen: Interactions, communicator: Communicator
) -> NamedScores | None:
    if sample is None:
        return None
    return {**objective.evaluate(scorer, sample.interactions, seen, communicator).to_dict(), **sample.counts}


def beats_baseline(objective: Objective, measured: Measured) -> bool | None:
    """Whether the model is better than the baseline to beat on the same interactions; None if nothing was measured."""
    scores = measured["test"] or measured["valid"]
    baseline = measured["baselines"][objective.baseline_to_beat]
    if scores is None or baseline is None:
        return None
    return objective.cost(objective.value(scores)) < objective.cost(objective.value(baseline))
