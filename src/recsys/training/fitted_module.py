"""A torch module that is being fitted: what every learner of one does with its parameters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from recsys.core.types import Arrays, Float32Array
from recsys.data.training_inputs import WarmStart
from recsys.models.torch_module import RatingModule
from recsys.training.finite import finite_parameters
from recsys.training.groups import Group, layer_groups, peak
from recsys.training.schedule import Schedule, build_schedule
from recsys.training.settings import Scheduled


class FittedModule:
    """A module, and the learning rates of its layer groups.

    Attributes:
        groups: from the first layers to the last.
        share: group → its learning rate as a share of the highest.
    """

    def __init__(self, module: RatingModule, settings: Scheduled) -> None:
        assert settings.lr_max != "auto", "the learner resolves it"
        self._module, self._settings = module, settings
        self.groups: tuple[Group, ...] = layer_groups(module.settings.parameters, settings.lr_max, settings.freeze)
        self.share = {group.name: group.share for group in self.groups}

    def schedule(self, n_epochs: int, steps_per_epoch: int) -> Schedule:
        """The learning rate of the fastest group at every step."""
        return build_schedule(self._settings, n_epochs, peak(self.groups), steps_per_epoch)

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        return finite_parameters(self._module.parameters())

    def state(self) -> Arrays:
        """Parameters and buffers by name; on a CPU in the module's own memory."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self._module.state_dict().items()}

    def restore(self, arrays: Arrays) -> None:
        """Parameters and buffers, as they were."""
        self._module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})


def memory(parameter: torch.Tensor) -> Float32Array:
    """The parameter's own memory as an array, float32."""
    array: Float32Array = parameter.detach().numpy()
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    return array


def expected_values(module: RatingModule, names: Iterable[str], start: WarmStart | None) -> Arrays:
    """What is expected of some parameters: what they are, where not all ratings that they come from are seen again."""
    if start is None or start.replays_all:
        return {}
    return {name: memory(module.get_parameter(name)).copy() for name in names}
