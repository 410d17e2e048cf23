"""The layers that models are made of, with initial values and dropout drawn from the run's seed."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsys.core.seeding import rng
from recsys.core.types import Float64Array
from recsys.models import array_model

EPS, MOMENTUM = 1e-5, 0.1  # PyTorch's


class Affine(nn.Module):
    """y = W x + b.

    Attributes:
        weight, bias: parameters, float32, shapes (n_out, n_in) and (n_out,); they start uniform in ±1/√n_in, as
            PyTorch's own do.
    """

    def __init__(self, seed: int, name: str, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = _uniform(seed, f"{name}.weight", (n_out, n_in), bound)
        self.bias = _uniform(seed, f"{name}.bias", (n_out,), bound)

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (n, n_in) → (n, n_out)."""
        return functional.linear(inputs, self.weight, self.bias)


class Norm(nn.Module):
    """y = weight · (x − mean) / √(var + ε) + bias: each activation at mean 0 and standard deviation 1, then moved.

    In training, mean and var are the batch's, and the running ones follow them; in use, or with frozen parameters, they
    are the running ones. So too for a batch of one, which has no variance.

    Attributes:
        weight, bias: parameters, float32, shape (size,).
        running_mean, running_var: buffers, float32, shape (size,).

    Source: Ioffe, Szegedy 2015, "Batch Normalization" (arXiv:1502.03167).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def forward(self, inputs: Tensor) -> Tensor:
        """Shape (n, size) → (n, size)."""
        by_batch = self.training and self.weight.requires_grad and len(inputs) > 1
        return functional.batch_norm(
            inputs, self.running_mean, self.running_var, self.weight, self.bias, by_batch, MOMENTUM, EPS
        )

    def as_affine(self) -> tuple[Float64Array, Float64Array]:
        """factor and shift, float64, shape (size,), with y = factor · x + shift once training is over."""
        weight, bias, mean, var = (
            tensor.detach().cpu().double().numpy()
            for tensor in (self.weight, self.bias, self.running_mean, self.running_var)
        )
        factor = weight / np.sqrt(var + EPS)
        return factor, bias - factor * mean


class Dropout(nn.Module):
    """In training, each entry becomes 0 with probability `share`, and the others grow by 1 / (1 − share).

    `generator` is where the randomness comes from; it has to be set before each training step.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """The shape stays."""
        if not self.training or not self.share:
            return inputs
        assert self.generator is not None, "dropout without randomness"
        kept = torch.empty_like(inputs).bernoulli_(1 - self.share, generator=self.generator)
        return inputs * kept.div_(1 - self.share)


def seed_dropout(model: nn.Module, seed: int, epoch: int, step: int) -> None:
    """Gives a model's dropout its randomness for one step, so that a resumed run draws what it would have drawn."""
    layers = [module for module in model.modules() if isinstance(module, Dropout)]
    if not any(layer.share for layer in layers):
        return
    generator = torch.Generator(next(model.parameters()).device)
    generator.manual_seed(int(rng(seed, "dropout", epoch, step).integers(2**63)))
    for layer in layers:
        layer.generator = generator


def normal(seed: int, name: str, shape: tuple[int, ...], std: float) -> nn.Parameter:
    """A parameter drawn from N(0, std²) for this seed and name, float32."""
    return nn.Parameter(torch.from_numpy(array_model.normal(seed, name, shape, std)))


def _uniform(seed: int, name: str, shape: tuple[int, ...], bound: float) -> nn.Parameter:
    drawn = rng(seed, f"init {name}").random(shape, dtype=np.float32)
    return nn.Parameter(torch.from_numpy((2 * drawn - 1) * np.float32(bound)))
