"""Mini-batches, gradients by backpropagation, AdamW: fits any torch module on any device."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from recsys.core.events import EpochResult, Observer, Step
from recsys.core.seeding import rng
from recsys.core.types import Arrays, State
from recsys.data.interactions import Interactions
from recsys.models.dot_product.module import DotProduct
from recsys.models.embedding_net.module import EmbeddingNet
from recsys.scoring.protocols import Trained
from recsys.training.adamw.settings import AdamW
from recsys.training.finite import finite_parameters
from recsys.training.groups import layer_groups, peak
from recsys.training.rates import highest
from recsys.training.schedule import build_schedule

BETA2, EPS = 0.99, 1e-5  # fastai's
MOMENTS = ("exp_avg", "exp_avg_sq")
MOST_EPOCHS, FEWEST_EPOCHS = 15, 4
THREADED_BATCH = 16_384  # below this, threads wait for each other longer than they work
GPU_RATINGS = 1_000_000  # below this, a GPU spends its time on launching kernels
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

    def __init__(self, model: DotProduct | EmbeddingNet, train: Interactions, settings: AdamW, seed: int) -> None:
        n_rows = _n_rated(train) if isinstance(model, EmbeddingNet) else None
        self._settings = settings = resolve(settings, len(train), n_rows)
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
        assert settings.lr_max != "auto"
        self.groups = layer_groups(model.groups, settings.lr_max, settings.freeze)
        self._batch_size = settings.batch_size
        self._steps = math.ceil(self.n_ratings / self._batch_size)
        self.schedule = build_schedule(settings, self.n_epochs, peak(self.groups), self._steps)
        self._freeze()
        self._optimizer = torch.optim.AdamW(
            [
                {"params": [parameter], "weight_decay": self._decay(name), "share": self._share(name)}
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
                if isinstance(self._model, EmbeddingNet):
                    self._model.begin_step(number, batch)
                squares += self._step(user_idx, item_idx, rating)
                if batch % report == 0:
                    done = min((batch + 1) * self._batch_size, self.n_ratings)
                    observe(Step(number, self.n_epochs, done, self.n_ratings, self._lr, float(squares)))
        self._model.eval()
        rmse = self._model.scale.std * math.sqrt(float(squares) / self.n_ratings)
        return EpochResult(train={"rmse": rmse}, lr=self._lr)

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        return finite_parameters(self._model.parameters())

    def state(self, epoch: int) -> State:
        """Parameters, and the moments of each."""
        model = {name: tensor.detach().cpu().numpy() for name, tensor in self._model.state_dict().items()}
        return State(epoch=epoch, model=model, learner=self._moments())

    def restore(self, state: State) -> None:
        """Parameters and moments, as they were."""
        self._model.load_state_dict({name: torch.from_numpy(array) for name, array in state.model.items()})
        for name, parameter in self._moving():
            moments = {
                moment: torch.from_numpy(state.learner[f"{moment}.{name}"]).to(self._device).clone()
                for moment in MOMENTS
            }
            step = torch.tensor(float(state.epoch * self._steps), device=self._device)
            self._optimizer.state[parameter] = {"step": step, **moments}

    def scorer(self) -> Trained:
        """The model as it stands."""
        return self._model.scorer()

    def settings(self) -> dict[str, object]:
        """All that the result depends on, with `auto` resolved: so not the number of threads."""
        return self._settings.model_dump(mode="json", exclude_none=True, exclude={"n_threads"})

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
        return ((name, one) for name, one in self._model.named_parameters() if one.requires_grad)

    def _share(self, name: str) -> float:
        return next(group.share for group in self.groups if name in group.parameters)

    @contextlib.contextmanager
    def _idle_rows_kept(self) -> Iterator[None]:
        """Weight decay shrinks every row; those of users and items without ratings here stay as they were."""
        before = [(parameter, rows, parameter.detach()[rows]) for parameter, rows in self._idle]
        yield
        with torch.no_grad():
            for parameter, rows, values in before:
                parameter[rows] = values

    def _decay(self, name: str) -> float:
        settings = self._settings
        decay = settings.weight_decay if name.endswith("embedding") else settings.bias_weight_decay
        assert isinstance(decay, float)
        return decay

    def _moments(self) -> Arrays:
        return {
            f"{moment}.{name}": self._optimizer.state[parameter][moment].detach().cpu().numpy()
            for name, parameter in self._moving()
            for moment in MOMENTS
        }


def resolve(settings: AdamW, n_ratings: int, n_rows: int | None = None) -> AdamW:
    """`auto` → the value for this many training ratings.

    15 epochs up to 100,000 ratings, then fewer as √n grows, down to 4; about 160 steps an epoch, lr_max = 5e-3 ·
    (batch_size / 256)^⅜, weight_decay · lr_max · steps = 1, and a tenth of it for biases
    (docs/experiments/defaults-of-adamw.md).

    A network, told by `n_rows`, the users and items that have ratings, gets a fifth of that lr_max, weight_decay ·
    lr_max · steps = 45 · n_rows / n_ratings, and no decay of its layers ("embedding_net" there).
    """
    batch_size = settings.batch_size
    if batch_size == "auto":
        batch_size = 2 ** round(math.log2(min(max(n_ratings / 160, 64), 65_536)))
    lr_max = settings.lr_max
    if lr_max == "auto":
        lr_max = (5e-3 if n_rows is None else 1e-3) * (batch_size / 256) ** 0.375
    decay = settings.weight_decay
    if decay == "auto":
        strength = 1.0 if n_rows is None else 45 * n_rows / n_ratings
        decay = strength / (highest(lr_max) * math.ceil(n_ratings / batch_size))
    threads = settings.n_threads
    if threads == "auto":
        threads = 1 if batch_size < THREADED_BATCH else torch.get_num_threads()
    n_epochs = settings.n_epochs
    if n_epochs == "auto":
        n_epochs = min(max(round(MOST_EPOCHS * math.sqrt(100_000 / n_ratings)), FEWEST_EPOCHS), MOST_EPOCHS)
    layer_decay = settings.bias_weight_decay
    if layer_decay == "auto":
        layer_decay = decay / 10 if n_rows is None else 0.0
    return settings.model_copy(
        update={
            "n_epochs": n_epochs,
            "batch_size": batch_size,
            "lr_max": lr_max,
            "weight_decay": decay,
            "bias_weight_decay": layer_decay,
            "n_threads": threads,
            "device": _device(settings, n_ratings),
        }
    )


def _n_rated(train: Interactions) -> int:
    return int(np.count_nonzero(train.user_counts) + np.count_nonzero(train.item_counts))


def _rows_without_ratings(model: torch.nn.Module, train: Interactions) -> list[tuple[torch.nn.Parameter, torch.Tensor]]:
    """Each parameter that has a row for every user or item, with the rows of those without training ratings."""
    counts = {"user": train.user_counts, "item": train.item_counts}
    idle = {role: torch.from_numpy(np.flatnonzero(count == 0)) for role, count in counts.items()}
    return [
        (parameter, idle[role].to(parameter.device))
        for name, parameter in model.named_parameters()
        for role in counts
        if name in (f"{role}_embedding", f"{role}_bias") and len(idle[role])
    ]


def _device(settings: AdamW, n_ratings: int) -> str:
    if settings.device != "auto":
        return settings.device
    return "cuda" if n_ratings >= GPU_RATINGS and torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def _threads(n: Any) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
