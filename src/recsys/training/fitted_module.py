"""A torch module that is being fitted: what every learner of one does with its parameters."""

from __future__ import annotations

import torch

from recsys.core.layout import Layout, StateLayout
from recsys.core.types import Arrays
from recsys.models.torch_module import RatingModule
from recsys.training.finite import finite_parameters

NOTHING: Layout = {}


class FittedModule:
    """A module whose parameters go to checkpoints and come back."""

    def __init__(self, module: RatingModule) -> None:
        self._module = module

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        return finite_parameters(self._module.parameters())

    def state(self) -> Arrays:
        """Parameters and buffers by name; on a CPU in the module's own memory."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self._module.state_dict().items()}

    def layout(self, learner: Layout = NOTHING) -> StateLayout:
        """What the arrays of a state are.

        Args:
            learner: of what the learner adds.
        """
        counted = self._module.counted
        sizes = {"n_users": len(counted.users), "n_items": len(counted.items)}
        return StateLayout(self._module.settings.layout(), learner, sizes)

    def restore(self, arrays: Arrays) -> None:
        """Parameters and buffers, as they were."""
        self._module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
