"""A model's parameters, as a torch module or as arrays, with the values that training starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recsys.core.resolve import resolve
from recsys.data.training_inputs import TrainingInputs
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.models.warm_start import inherit_parameters

if TYPE_CHECKING:
    from recsys.models.array_model import ArrayModel
    from recsys.models.torch_module import RatingModule


def build_module(settings: ModelSettings, inputs: TrainingInputs, seed: int) -> RatingModule:
    """The module for users and items of the training ratings, its parameters drawn from the seed or taken over."""
    module: RatingModule = _build(MODELS[settings.kind].module, settings, inputs, seed)
    module.add_features(inputs.feature_matrices())
    if inputs.warm_start is not None:
        arrays = {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}
        inherit_parameters(arrays, settings.parameters, inputs.warm_start)
    return module


def build_arrays(settings: ModelSettings, inputs: TrainingInputs, seed: int) -> ArrayModel:
    """The same parameters without torch, where the model's entry says how."""
    model: ArrayModel = _build(MODELS[settings.kind].arrays, settings, inputs, seed)
    if inputs.warm_start is not None:
        inherit_parameters(model.arrays, settings.parameters, inputs.warm_start)
    return model


def _build(code: str | None, settings: ModelSettings, inputs: TrainingInputs, seed: int) -> Any:
    start = inputs.warm_start
    if start is not None:
        settings = settings.with_inherited_dims({name: array.shape for name, array in start.rating_parameters.items()})
    assert code is not None
    return resolve(code)(settings, inputs.seen_ratings, inputs.scale, seed)
