"""A model that starts from another one's parameters."""

from __future__ import annotations

import numpy as np
import torch

from recsys.data.training_inputs import WarmStart
from recsys.data.vocabulary import UNKNOWN
from recsys.models.torch_module import RatingModule


def inherit_parameters(model: RatingModule, start: WarmStart) -> None:
    """Overwrites the parameters of `model`: rows of known users and items bit for bit, and all other layers.

    A fresh row starts at the mean of the inherited ones, which is what an unknown id is predicted by, plus the small
    random numbers that the model was made with.
    """
    rows_of = {parameter.name: parameter.rows for parameter in model.settings.parameters}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            old = torch.from_numpy(np.array(start.rating_parameters[name]))
            role = rows_of.get(name)  # of a buffer: none
            if role is None:
                tensor.copy_(old)
                continue
            rows = start.rows[role]
            known = torch.from_numpy(rows != UNKNOWN)
            tensor += old.double().mean(dim=0).float()
            tensor[known] = old[torch.from_numpy(rows).long()[known]]
