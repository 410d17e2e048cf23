"""The one training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from recsys.core.communicator import Traffic
from recsys.core.errors import DivergedError
from recsys.core.events import Epoch, EpochResult, Observer, silent
from recsys.core.layout import StateLayout
from recsys.core.types import Json, State
from recsys.scoring.protocols import DividedScorer, TrainedScorer
from recsys.scoring.uncertainty import Samples
from recsys.training.groups import Group


class Learner(Protocol):
    """A model together with the method that fits it."""

    @property
    def n_ratings(self) -> int:
        """Training ratings."""
        ...

    @property
    def n_epochs(self) -> int:
        """How often each training rating is to be seen."""
        ...

    @property
    def column_bytes(self) -> int:
        """Memory of the learner's own copy of the training ratings."""
        ...

    @property
    def evaluation_cost(self) -> float:
        """How many ratings could be trained on in the time of evaluating one."""
        ...

    @property
    def groups(self) -> tuple[Group, ...]:
        """The layer groups, from the first layers to the last, each with its learning rate."""
        ...

    @property
    def samples(self) -> Samples | None:
        """Draws of the model, where the method makes them, for the intervals of predictions."""
        ...

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """Sees every training rating once; `number` counts from 1."""
        ...

    def is_finite(self) -> bool:
        """Whether every prediction is a finite number."""
        ...

    def state(self, epoch: int) -> State:
        """All that is needed to go on after `epoch`."""
        ...

    def layout(self, epoch: int) -> StateLayout:
        """What the arrays of such a state are: those that are read are held against it before they are taken back."""
        ...

    def restore(self, state: State) -> None:
        """Goes back to a state, which is as its layout says."""
        ...

    def scorer(self) -> TrainedScorer:
        """The model as it stands."""
        ...

    def settings(self) -> dict[str, Json]:
        """The hyperparameters in force, with `auto` resolved."""
        ...


class RankLearner(Learner, Protocol):
    """A learner that can train on several ranks."""

    def traffic(self, n_ranks: int) -> Traffic:
        """What so many ranks together would send."""
        ...

    def divided_scorer(self) -> TrainedScorer | DividedScorer:
        """The model as it stands, where users are divided among ranks for ratings of those of this rank."""
        ...


def fit(learner: Learner, *, after: int = 0, observe: Observer = silent) -> Iterator[Epoch]:
    """Trains epoch by epoch; whoever consumes this records, evaluates and stops.

    Args:
        after: epochs that are done already, when a run goes on.
    Raises:
        DivergedError: numbers that are not finite, after the epoch in which they came up.
    """
    n_epochs = learner.n_epochs
    for number in range(after + 1, n_epochs + 1):
        start = time.perf_counter()
        try:
            done = learner.epoch(number, observe)
        except np.linalg.LinAlgError as error:  # which NaN and infinity lead to
            raise _diverged(number, n_epochs, 0.0) from error
        seconds = time.perf_counter() - start
        if not (all(map(math.isfinite, done.train.values())) and learner.is_finite()):
            raise _diverged(number, n_epochs, done.lr)
        yield Epoch(
            number=number,
            n_epochs=n_epochs,
            lr=done.lr,
            train=done.train,
            seconds=seconds,
            ratings_per_second=learner.n_ratings / seconds,
        )


def _diverged(number: int, n_epochs: int, lr: float) -> DivergedError:
    return DivergedError(
        f"training diverged in epoch {number} of {n_epochs}: numbers became infinite or undefined"
        + (f" (learning rate {lr:.3g})" if lr else ""),
        expected="finite parameters",
        hint=f"train with a smaller rate: --set training.lr_max={_round(lr / 10)}" if lr else None,
    )


def _round(lr: float) -> str:
    return f"{lr:.1g}"
