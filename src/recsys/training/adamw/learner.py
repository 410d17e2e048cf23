"""Mini-batches, gradients by backpropagation, AdamW: fits any torch module on any device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from recsys.core.events import EpochResult, Observer, Step
from recsys.core.layout import LARGEST, ArraySpec, StateLayout
from recsys.core.seeding import rng
from recsys.core.types import Arrays, Json, State
from recsys.data.interactions import Interactions
from recsys.models.settings import ParameterInfo
from recsys.models.torch_layers import seed_dropout
from recsys.models.torch_module import RatingModule
from recsys.scoring.protocols import TrainedScorer
from recsys.training.adamw.settings import AdamW
from recsys.training.fitted_module import FittedModule
from recsys.training.groups import LayerRates

BETA2, EPS = 0.99, 1e-5  # fastai's
MOMENTS = ("exp_avg", "exp_avg_sq")
SUMMED = 16_384  # numbers that PyTorch adds up on one thread
REPORT_EVERY = 0.05  # of an epoch


class AdamWLearner:
    """Minimises the mean of ((r̂ − r) / std)² over mini-batches, weight decay decoupled.

    Each rating is seen once an epoch, in an order drawn from (seed, epoch). Momentum is cycled against the
    learning rate.

    Source: Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization" (arXiv:1711.05101).
    """

    evaluation_cost = 0.2
    samples = None

    def __init__(self, model: RatingModule, train: Interactions, settings: AdamW, seed: int) -> None:
        """Takes settings with `auto` resolved."""
        self._settings = settings
        self.n_ratings = len(train)
        assert isinstance(settings.n_epochs, int)
        self.n_epochs = settings.n_epochs
        self._seed = seed
        self._device = torch.device(settings.device)
        self._model = model.to(self._device)
        self._columns = [
            torch.from_numpy(column).to(self._device) for column in (train.user_idx, train.item_idx, train.rating)
        ]
        self.column_bytes = sum(column.nbytes for column in self._columns)
        assert isinstance(settings.batch_size, int)
        self._fitted, rates = FittedModule(model), LayerRates(model.learned, settings)
        self.groups = rates.groups
        self._batch_size = settings.batch_size
        self._steps = math.ceil(self.n_ratings / self._batch_size)
        self.schedule = rates.schedule(self.n_epochs, self._steps)
        self._freeze()
        known = {parameter.name: parameter for parameter in model.learned}
        self._optimizer = torch.optim.AdamW(
            [
                {
                    "params": [parameter],
                    "weight_decay": self._decay(known[name]),
                    "share": rates.share[known[name].group],
                }
                for name, parameter in self._moving()
            ],
            betas=(0.0, BETA2),
            eps=EPS,
            fused=True,
        )
        self._idle = _rows_without_ratings(model, train)

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """One pass over the training ratings in a new order."""
        with _threads(self._settings.n_threads), self._idle_rows_kept():
            order = torch.from_numpy(rng(self._seed, "shuffle", number).permutation(self.n_ratings)).to(self._device)
            users, items, ratings = (torch.split(column[order], self._batch_size) for column in self._columns)
            self._model.train()
            squares = torch.zeros((), dtype=torch.float64, device=self._device)
            first = (number - 1) * self._steps
            report = max(1, round(self._steps * REPORT_EVERY))
            for batch, (user_idx, item_idx, rating) in enumerate(zip(users, items, ratings, strict=True)):
                self._set_rates(first + batch)
                seed_dropout(self._model, self._seed, number, batch)
                squares += self._step(user_idx, item_idx, rating)
                if batch % report == 0:
                    done = min((batch + 1) * self._batch_size, self.n_ratings)
                    observe(Step(number, self.n_epochs, done, self.n_ratings, self._lr, float(squares)))
        self._model.eval()
        rmse = self._model.scale.std * math.sqrt(float(squares) / self.n_ratings)
        return EpochResult(train={"rmse": rmse}, lr=self._lr)

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        return self._fitted.is_finite()

    def state(self, epoch: int) -> State:
        """Parameters, and the moments of each."""
        return State(epoch=epoch, model=self._fitted.state(), learner=self._moments())

    def layout(self, epoch: int) -> StateLayout:
        """Parameters, and the moments of those that move, in the shape of these."""
        shapes = {name: tuple(parameter.shape) for name, parameter in self._moving()}
        moments = {
            f"{moment}.{name}": ArraySpec("float32", shape, low)
            for name, shape in shapes.items()
            for moment, low in zip(MOMENTS, (-LARGEST, 0), strict=True)
        }
        return self._fitted.layout(moments)

    def restore(self, state: State) -> None:
        """Parameters and moments, as they were."""
        self._fitted.restore(state.model)
        for name, parameter in self._moving():
            moments = {
                moment: torch.from_numpy(state.learner[f"{moment}.{name}"]).to(self._device).clone()
                for moment in MOMENTS
            }
            step = torch.tensor(float(state.epoch * self._steps), device=self._device)
            self._optimizer.state[parameter] = {"step": step, **moments}

    def scorer(self) -> TrainedScorer:
        """The model as it stands."""
        return self._model.scorer()

    def settings(self) -> dict[str, Json]:
        """All that the result depends on, with `auto` resolved: so not the number of threads."""
        return self._settings.in_force()

    def _step(self, user_idx: torch.Tensor, item_idx: torch.Tensor, rating: torch.Tensor) -> torch.Tensor:
        """One step down the gradient of the batch's mean squared error; returns the sum of the squares."""
        self._optimizer.zero_grad()
        error = (self._model(user_idx, item_idx) - rating) / self._model.scale.std
        error.square().mean().backward()
        self._optimizer.step()
        # Shares so short that one thread sums each: the sum is then the same with any number of threads.
        squares = error.detach().double().square()
        return torch.stack([share.sum() for share in squares.split(SUMMED)]).sum()

    def _set_rates(self, step: int) -> None:
        self._lr = float(self.schedule.lr[step])
        betas = (float(self.schedule.momentum[step]), BETA2)
        for group in self._optimizer.param_groups:
            group["lr"], group["betas"] = self._lr * group["share"], betas

    def _freeze(self) -> None:
        frozen = {name for group in self.groups if group.is_frozen for name in group.parameters}
        for name, parameter in self._model.named_parameters():
            parameter.requires_grad_(name not in frozen)

    def _moving(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """The parameters that are not frozen."""
        return ((name, parameter) for name, parameter in self._model.named_parameters() if parameter.requires_grad)

    @contextlib.contextmanager
    def _idle_rows_kept(self) -> Iterator[None]:
        """Weight decay shrinks every row; those of users and items without ratings here stay as they were."""
        before = [(parameter, rows, parameter.detach()[rows]) for parameter, rows in self._idle]
        yield
        with torch.no_grad():
            for parameter, rows, values in before:
                parameter[rows] = values

    def _decay(self, parameter: ParameterInfo) -> float:
        """Embeddings have one of their own; all else shares that of the biases."""
        settings, is_embedding = self._settings, parameter.rows is not None and not parameter.is_bias
        decay = settings.weight_decay if is_embedding else settings.bias_weight_decay
        assert isinstance(decay, float)
        return decay

    def _moments(self) -> Arrays:
        return {
            f"{moment}.{name}": self._optimizer.state[parameter][moment].detach().cpu().numpy()
            for name, parameter in self._moving()
            for moment in MOMENTS
        }


def _rows_without_ratings(model: RatingModule, train: Interactions) -> list[tuple[torch.nn.Parameter, torch.Tensor]]:
    """Each parameter that has a row for every user or item, with the rows of those without training ratings."""
    counts = {"user": train.user_counts, "item": train.item_counts}
    idle = {role: torch.from_numpy(np.flatnonzero(count == 0)) for role, count in counts.items()}
    idle_rows = []
    for known in model.learned:
        if known.rows is not None and len(idle[known.rows]):
            parameter = model.get_parameter(known.name)
            idle_rows.append((parameter, idle[known.rows].to(parameter.device)))
    return idle_rows


@contextlib.contextmanager
def _threads(n: Any) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
