"""A model's scores beside those of the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    NotRequired,  # pydantic reads those of `typing` from Python 3.12 on
)

from typing_extensions import TypedDict

from recsys.core.errors import DataError
from recsys.data.interactions import join, user_numbers
from recsys.objectives.objective import Objective, Sample

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator
    from recsys.data.interactions import Interactions
    from recsys.data.training_inputs import TrainingInputs
    from recsys.evaluation.bootstrap import Difference
    from recsys.scoring.protocols import Ranker

NamedScores = Mapping[str, float]


FEW = 2_000  # held-out interactions, on which a difference may be chance
FEWEST_USERS = 10  # of whose resamples an interval says something


class BaselineDifference(TypedDict):
    """The deciding metric less that of the best baseline.

    Attributes:
        low, high: its 95% interval by a paired bootstrap over users, where held-out interactions are few and users
            enough to tell; else None.
        is_real: whether the interval excludes 0; None where it is not needed.
    """

    baseline: str
    value: float
    low: float | None
    high: float | None
    is_real: bool | None


class Measured(TypedDict):
    """Scores on each part that was held out, and those of the baselines on test, else on the validation set.

    Attributes:
        difference: to the best baseline there.
    """

    valid: NamedScores | None
    test: NamedScores | None
    baselines: dict[str, NamedScores | None]
    difference: NotRequired[BaselineDifference]


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
        return _scores(objective, of, sample, inputs, communicator)

    fitted = {name: fit_baseline(seen) for name, fit_baseline in objective.baselines.items()} if measured_on else {}
    baselines = {name: scores(fitted[name], measured_on) if measured_on else None for name in objective.baselines}
    also = {name: other for name, other in (others or {}).items() if name in objective.also_measured}
    measured: Measured = {
        "valid": scores(scorer, samples["valid"]),
        "test": scores(scorer, samples["test"]),
        "baselines": {**baselines, **{name: scores(other, measured_on) for name, other in also.items()}},
    }
    best = best_baseline(objective, baselines)
    if measured_on is not None and best is not None:
        are_few = len(measured_on.interactions) <= FEW
        tested = _interval(objective, scorer, fitted[best], measured_on.interactions, seen) if are_few else None
        ours, theirs = present(measured["test"] or measured["valid"]), present(baselines[best])
        measured["difference"] = {
            "baseline": best,
            "value": objective.value(ours) - objective.value(theirs),
            "low": None if tested is None else tested.low,
            "high": None if tested is None else tested.high,
            "is_real": (tested is not None and tested.is_real) if are_few else None,
        }
    return measured


def best_baseline(objective: Objective, baselines: Mapping[str, NamedScores | None]) -> str | None:
    """The name of the baseline with the best deciding metric; None where none was measured."""
    order = dict.fromkeys((objective.baseline_to_beat, *objective.baselines))
    costs = {name: objective.cost(objective.value(scores)) for name in order if (scores := baselines.get(name))}
    return min(costs, key=costs.__getitem__) if costs else None


def _interval(
    objective: Objective, scorer: Ranker, baseline: Ranker, held_out: Interactions, seen: Interactions
) -> Difference | None:
    """The difference to a baseline on few interactions; None where there are too few users to tell."""
    try:
        metrics = objective.resample([baseline, scorer], [held_out] * 2, [seen] * 2, user_numbers(held_out))
    except DataError:  # none of the held-out items is known
        return None
    return metrics.difference(objective.deciding_metric, 1) if metrics.n_users >= FEWEST_USERS else None


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
    of_new, of_old = (_scores(objective, scorer, sample, inputs, communicator) for sample in samples)
    return {"new": of_new, "old": of_old}


def _scores(
    objective: Objective, scorer: Ranker, sample: Sample | None, inputs: TrainingInputs, communicator: Communicator
) -> NamedScores | None:
    if sample is None:
        return None
    scores = objective.evaluate(scorer, sample.interactions, inputs.seen, communicator, inputs.item_features)
    return {**scores.to_dict(), **sample.counts}


def beats_baseline(objective: Objective, measured: Measured) -> bool | None:
    """Whether the model is better than the best baseline on the same interactions; None if nothing was measured."""
    scores, best = measured["test"] or measured["valid"], best_baseline(objective, measured["baselines"])
    if scores is None or best is None:
        return None
    baseline = objective.value(present(measured["baselines"][best]))
    return objective.cost(objective.value(scores)) < objective.cost(baseline)
