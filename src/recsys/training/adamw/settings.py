"""The settings of adamw."""

from __future__ import annotations

from typing import ClassVar, Literal

from recsys.training.rates import Rates
from recsys.training.settings import Auto, BatchSize, NotNegative, Scheduled


class AdamW(Scheduled):
    """PyTorch autograd with AdamW: any model, any device."""

    arrays_of_parameters: ClassVar[int] = 3  # with two moments
    kept_by_updates: ClassVar[tuple[str, ...]] = ("weight_decay", "bias_weight_decay")

    method: Literal["adamw"] = "adamw"
    """adamw: mini-batches, gradients by backpropagation; any model, any device."""
    batch_size: Auto | BatchSize = "auto"
    """Ratings in a mini-batch; auto follows the number of ratings."""
    lr_max: Auto | Rates = "auto"
    """Highest learning rate; auto follows the number of ratings. slice(…) or a list: by layer group."""
    weight_decay: Auto | NotNegative = "auto"
    """Decoupled weight decay of the embeddings; auto follows lr_max and the steps of an epoch."""
    bias_weight_decay: Auto | NotNegative = "auto"
    """Decoupled weight decay of the biases; auto: a tenth of weight_decay. Of a network: of its layers; auto: 0."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto takes a GPU if PyTorch finds one and the data is large enough to gain from it."""
