"""Learners of adamw, with the defaults that suit dot products and those that suit networks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from recsys.config.plans import Plan
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.models.build import build_module
from recsys.training.adamw.learner import AdamWLearner
from recsys.training.adamw.settings import AdamW
from recsys.training.rates import highest

MOST_EPOCHS, FEWEST_EPOCHS = 15, 4
THREADED_BATCH = 16_384  # below this, threads wait for each other longer than they work
GPU_RATINGS = 1_000_000  # below this, a GPU spends its time on launching kernels


@dataclass(frozen=True)
class Defaults:
    """What `auto` follows beside the number of ratings.

    Attributes:
        lr_max: with mini-batches of 256.
        decay: weight_decay · lr_max · steps of an epoch.
        bias_divisor: what weight_decay is divided by for biases and layers.
        n_threads: with which the model is always trained; None: with any number.
    """

    lr_max: float
    decay: float
    bias_divisor: float
    n_threads: int | None = None


FACTORS = Defaults(lr_max=5e-3, decay=1.0, bias_divisor=10.0)


def network_defaults(n_ratings: int, n_rows: int) -> Defaults:
    """Those of a network, for so many training ratings and users and items that have any.

    PyTorch cuts the sums over a batch by the number of threads, in batch norm and in the gradients of layers, so that
    their last bits depend on it. Two threads gain a seventh, and lose much more beside other work.
    """
    return Defaults(lr_max=1e-3, decay=45 * n_rows / n_ratings, bias_divisor=math.inf, n_threads=1)


def factors(plan: Plan, inputs: TrainingInputs) -> AdamWLearner:
    """The learner of a model that is made of rows of users and items."""
    return _learner(plan, inputs, inputs.repeated_train, FACTORS)


def network(plan: Plan, inputs: TrainingInputs) -> AdamWLearner:
    """The learner of a model with layers that all users and items share."""
    train = inputs.repeated_train
    return _learner(plan, inputs, train, network_defaults(len(train), _n_rated(train)))


def resolve(settings: AdamW, n_ratings: int, defaults: Defaults = FACTORS) -> AdamW:
    """`auto` → the value for this many training ratings (docs/experiments/defaults-of-adamw.md).

    15 epochs up to 100,000 ratings, then fewer as √n grows, down to 4; about 160 steps an epoch, and lr_max by the
    batch size to the power of ⅜.
    """
    batch_size = settings.batch_size
    if batch_size == "auto":
        batch_size = 2 ** round(math.log2(min(max(n_ratings / 160, 64), 65_536)))
    lr_max = settings.lr_max
    if lr_max == "auto":
        lr_max = defaults.lr_max * (batch_size / 256) ** 0.375
    decay = settings.weight_decay
    if decay == "auto":
        decay = defaults.decay / (highest(lr_max) * math.ceil(n_ratings / batch_size))
    threads = settings.n_threads if defaults.n_threads is None else defaults.n_threads
    if threads == "auto":
        threads = 1 if batch_size < THREADED_BATCH else torch.get_num_threads()
    n_epochs = settings.n_epochs
    if n_epochs == "auto":
        n_epochs = min(max(round(MOST_EPOCHS * math.sqrt(100_000 / n_ratings)), FEWEST_EPOCHS), MOST_EPOCHS)
    bias_decay = settings.bias_weight_decay
    return settings.model_copy(
        update={
            "n_epochs": n_epochs,
            "batch_size": batch_size,
            "lr_max": lr_max,
            "weight_decay": decay,
            "bias_weight_decay": decay / defaults.bias_divisor if bias_decay == "auto" else bias_decay,
            "n_threads": threads,
            "device": _device(settings, n_ratings),
        }
    )


def _learner(plan: Plan, inputs: TrainingInputs, train: Interactions, defaults: Defaults) -> AdamWLearner:
    assert isinstance(plan.training, AdamW)
    settings = resolve(plan.training, len(train), defaults)
    return AdamWLearner(build_module(plan.model, inputs, plan.seed), train, settings, plan.seed)


def _n_rated(train: Interactions) -> int:
    return int(np.count_nonzero(train.user_counts) + np.count_nonzero(train.item_counts))


def _device(settings: AdamW, n_ratings: int) -> str:
    if settings.device != "auto":
        return settings.device
    return "cuda" if n_ratings >= GPU_RATINGS and torch.cuda.is_available() else "cpu"
