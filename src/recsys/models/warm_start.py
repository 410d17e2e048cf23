"""A model that starts from another one's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from recsys.core.types import Arrays, Indices
from recsys.data.vocabulary import UNKNOWN


@dataclass(frozen=True, eq=False)
class PretrainedState:
    """What a model takes over.

    Attributes:
        parameters: the other model's, under their vocabulary names.
        rows: "user" and "item" → for each row of the new model, the other's row; −1: a fresh one.
    """

    parameters: Arrays
    rows: dict[str, Indices]


def warm_start(model: nn.Module, pretrained: PretrainedState) -> None:
    """Overwrites the parameters of `model`: rows of known users and items bit for bit, and all other layers.

    A fresh row starts at the mean of the inherited ones, which is what an unknown id is predicted by, plus the small
    random numbers that the model was made with.
    """
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            old = torch.from_numpy(np.array(pretrained.parameters[name]))
            rows = pretrained.rows.get(name.partition("_")[0])
            if rows is None:
                tensor.copy_(old)
                continue
            known = torch.from_numpy(rows != UNKNOWN)
            tensor += old.double().mean(dim=0).float()
            tensor[known] = old[torch.from_numpy(rows).long()[known]]
