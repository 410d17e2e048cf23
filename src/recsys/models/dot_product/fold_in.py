"""The dot product's parameters after a fold-in."""

from __future__ import annotations

from recsys.core.types import Arrays
from recsys.data.training_inputs import TrainingInputs
from recsys.models.dot_product.settings import DotProduct
from recsys.models.new_rows import parameters_as_served
from recsys.scoring.factors.scorer import Factors


def extend(settings: DotProduct, inputs: TrainingInputs, served: Factors) -> Arrays:
    """The parameters with rows for new users and items."""
    start = inputs.warm_start
    assert start is not None
    return {**start.rating_parameters, **parameters_as_served(settings.parameters, start, served)}
