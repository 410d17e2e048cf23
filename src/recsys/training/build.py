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
    method = METHODS[plan.training.method]
    if communicator.size > 1 and not method.takes_ranks:
        able = [name for name, spec in METHODS.items() if spec.takes_ranks]
        raise ConfigError(
            f"{plan.training.method} trains in one process, and there are {communicator.size}",
            where="training.method",
            expected=joined(able) if able else "one process: no method trains in several",
        )
    fit = method.models[plan.model.kind]
    learner: Learner = resolve(fit.learner)(plan, inputs)
    return learner
