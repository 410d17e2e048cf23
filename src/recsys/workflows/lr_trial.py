"""Whether another learning rate is better than that of the config: all are trained, and compared on valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recsys.config.plans import Plan
from recsys.core.communicator import Communicator
from recsys.core.errors import DivergedError
from recsys.core.events import Observer
from recsys.core.types import Json
from recsys.data.interactions import user_numbers
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.bootstrap import Difference
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective
from recsys.scoring.protocols import TrainedScorer
from recsys.training.build import build_learner
from recsys.training.loop import fit
from recsys.training.rates import AutoRates


@dataclass(frozen=True)
class LrTrial:
    """A learning rate beside that of the config.

    Attributes:
        lr_max: as a config has it.
        value: of the deciding metric; None where training diverged.
        difference: to the config, with its interval; None where either diverged.
        is_better: whether that is more than chance.
    """

    lr_max: AutoRates
    value: float | None
    difference: Difference | None
    is_better: bool

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "lr_max": [*self.lr_max] if isinstance(self.lr_max, tuple) else self.lr_max,
            "value": self.value,
            "difference": None if self.difference is None else self.difference.to_dict(),
            "is_better": self.is_better,
        }


@dataclass(frozen=True)
class LrComparison:
    """Learning rates, each trained for all epochs, on n_ratings of the validation set.

    Attributes:
        of_config: the value of the deciding metric with the rate of the config; None where training diverged.
    """

    objective: Objective
    n_ratings: int
    of_config: float | None
    trials: tuple[LrTrial, ...]

    @property
    def suggestion(self) -> AutoRates | None:
        """The best of the rates that are better than the config's; None: none is."""
        cost = self.objective.cost
        better = {
            cost(trial.value): trial.lr_max for trial in self.trials if trial.is_better and trial.value is not None
        }
        return better[min(better)] if better else None

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "metric": self.objective.deciding_metric,
            "n_ratings": self.n_ratings,
            "of_config": self.of_config,
            "trials": [trial.to_dict() for trial in self.trials],
        }


def compare_rates(
    plan: Plan, rates: Sequence[AutoRates], inputs: TrainingInputs, observe: Observer, communicator: Communicator
) -> LrComparison | None:
    """Trains with the rate of the plan and with others; None where there is nothing to compare them on.

    Differences are from a paired bootstrap over users, see `recsys compare`.
    """
    objective = find_objective(plan.objective)
    valid = objective.sample(inputs.splits.valid, inputs.seen, plan.seed) if inputs.splits.valid else None
    if valid is None:
        return None
    held_out, metric = valid.interactions, objective.deciding_metric
    plans = [plan, *(with_rate(plan, lr_max) for lr_max in rates)]
    scorers = [_fitted(each, inputs, observe, communicator) for each in plans]
    trained = [scorer for scorer in scorers if scorer is not None]
    if not trained:
        return LrComparison(
            objective, len(held_out), None, tuple(LrTrial(lr_max, None, None, False) for lr_max in rates)
        )
    n = len(trained)
    metrics = objective.resample(trained, [held_out] * n, [inputs.seen] * n, user_numbers(held_out))
    positions = iter(range(n))
    own, *others = (None if scorer is None else next(positions) for scorer in scorers)

    def value(position: int | None) -> float | None:
        return None if position is None else float(metrics.measured[metric][position])

    def trial(lr_max: AutoRates, position: int | None) -> LrTrial:
        if position is None or own is None:
            return LrTrial(lr_max, value(position), None, is_better=position is not None)
        difference = metrics.difference(metric, position)
        is_better = difference.is_real and objective.cost(difference.value) < 0
        return LrTrial(lr_max, value(position), difference, is_better)

    trials = tuple(trial(lr_max, position) for lr_max, position in zip(rates, others, strict=True))
    return LrComparison(objective, len(held_out), value(own), trials)


def with_rate(plan: Plan, lr_max: AutoRates) -> Plan:
    """The plan of a method with a learning rate, with another one."""
    return replace(plan, training=plan.training.model_copy(update={"lr_max": lr_max}))


def _fitted(plan: Plan, inputs: TrainingInputs, observe: Observer, communicator: Communicator) -> TrainedScorer | None:
    """None where training diverges."""
    learner = build_learner(plan, inputs, communicator)
    try:
        for _ in fit(learner, observe=observe):
            pass
    except DivergedError:
        return None
    return learner.scorer()
