"""A plan's model together with the method that fits it."""

from __future__ import annotations

from recsys.config.plans import Plan
from recsys.core.communicator import Communicator
from recsys.core.errors import ConfigError
from recsys.core.resolve import resolve
from recsys.core.words import joined
from recsys.data.training_inputs import TrainingInputs
from recsys.training.loop import Learner
from recsys.training.specs import METHODS


def build_learner(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> Learner:
    """The learner that the plan describes, its parameters drawn from the plan's seed or taken over.

    Raises:
        ConfigError: there are several ranks, and the method trains in one process.
    """
    fit = METHODS[plan.training.method].models[plan.model.kind]
    build = resolve(fit.learner)
    check_ranks(plan, communicator.size)
    learner: Learner = build(plan, inputs, communicator) if fit.takes_ranks else build(plan, inputs)
    return learner


def check_ranks(plan: Plan, n_ranks: int) -> None:
    """Raises ConfigError where there are several ranks, and the method trains in one process."""
    if n_ranks > 1 and not METHODS[plan.training.method].models[plan.model.kind].takes_ranks:
        able = [
            f"{name} of {kind}" for name, spec in METHODS.items() for kind, of in spec.models.items() if of.takes_ranks
        ]
        raise ConfigError(
            f"{plan.training.method} fits {plan.model.kind} in one process, and there are {n_ranks}",
            where="training.method",
            expected=joined(able),
            hint="start it without torchrun",
        )
