"""A plan's model together with the method that fits it."""

from __future__ import annotations

from recsys.config.plans import Plan
from recsys.core.resolve import resolve
from recsys.data.training_inputs import TrainingInputs
from recsys.training.loop import Learner
from recsys.training.specs import METHODS


def build_learner(plan: Plan, inputs: TrainingInputs) -> Learner:
    """The learner that the plan describes, its parameters drawn from the plan's seed or taken over."""
    fit = METHODS[plan.training.method].models[plan.model.kind]
    learner: Learner = resolve(fit.learner)(plan, inputs)
    return learner
