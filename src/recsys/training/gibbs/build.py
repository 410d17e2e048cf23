"""Learners of gibbs. It draws arrays, and does without torch, which takes a second to load."""

from __future__ import annotations

from recsys.config.plans import Plan
from recsys.core.communicator import Communicator
from recsys.data.training_inputs import TrainingInputs
from recsys.models.dot_product.settings import DotProduct
from recsys.models.svdpp.settings import SvdPP
from recsys.training.gibbs import models
from recsys.training.gibbs.learner import GibbsLearner
from recsys.training.gibbs.settings import Gibbs


def dot_product(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> GibbsLearner:
    """The learner of a dot product."""
    assert isinstance(plan.model, DotProduct)
    return _learner(models.dot_product(plan.model), plan, inputs, communicator)


def svdpp(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> GibbsLearner:
    """The learner of SVD++."""
    assert isinstance(plan.model, SvdPP)
    return _learner(models.svdpp(plan.model), plan, inputs, communicator)


def _learner(
    model: models.SampledModel, plan: Plan, inputs: TrainingInputs, communicator: Communicator
) -> GibbsLearner:
    assert isinstance(plan.training, Gibbs)
    return GibbsLearner(model, inputs.scale, inputs.repeated_train, plan.training, plan.seed, communicator)
