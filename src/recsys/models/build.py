"""The torch module of a model, with the parameters that it starts from."""

from __future__ import annotations

from recsys.core.resolve import resolve
from recsys.data.training_inputs import TrainingInputs
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.models.torch_module import RatingModule
from recsys.models.warm_start import inherit_parameters


def build_module(settings: ModelSettings, inputs: TrainingInputs, seed: int) -> RatingModule:
    """The module for users and items of the training ratings, its parameters drawn from the seed or taken over."""
    start = inputs.warm_start
    if start is not None:
        settings = settings.with_inherited_dims({name: array.shape for name, array in start.rating_parameters.items()})
    spec = MODELS[settings.kind]
    assert spec.module is not None
    module: RatingModule = resolve(spec.module)(settings, inputs.seen_ratings, inputs.scale, seed)
    if start is not None:
        inherit_parameters(module, start)
    return module
