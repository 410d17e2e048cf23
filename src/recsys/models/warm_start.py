"""A model that starts from another one's parameters."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from recsys.data.training_inputs import WarmStart
from recsys.data.vocabulary import UNKNOWN


def inherit_parameters(model: nn.Module, start: WarmStart) -> None:
    """Overwrites the parameters of `model`: rows of known users and items bit for bit, and all other layers.

    A fresh row starts at the mean of the inherited ones, which is what an unknown id is predicted by, plus the small
    random numbers that the model was made with.
    """
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            old = torch.from_numpy(np.array(start.parameters[name]))
            rows = start.rows.get(name.partition("_")[0])
            if rows is None:
                tensor.copy_(old)
                continue
            known = torch.from_numpy(rows != UNKNOWN)
            tensor += old.double().mean(dim=0).float()
            tensor[known] = old[torch.from_numpy(rows).long()[known]]
