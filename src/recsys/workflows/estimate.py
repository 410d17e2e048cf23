"""What a run would need: memory from the size of the data, time from a part of one epoch."""

from __future__ import annotations

import contextlib
import time
from typing import TypedDict

from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import Event, Observer, Step, silent
from recsys.data.interactions import Interactions
from recsys.training.build import build_learner
from recsys.training.loop import Learner
from recsys.workflows.inputs import from_scratch

LONGEST_SECONDS = 5.0
LIBRARY_BYTES = (
    400_000_000  # Python with torch, numba and Arrow, measured; the ratings are held twice while they are split
)


class Estimate(TypedDict):
    """What a run would need: memory in bytes, seconds without evaluations and checkpoints.

    Attributes:
        data_bytes: of the ratings.
        training_bytes: what training adds to them, the model included.
        peak_bytes: about what the process will hold at most.
    """

    n_ratings: int
    n_users: int
    n_items: int
    n_parameters: int
    data_bytes: int
    training_bytes: int
    peak_bytes: int
    epoch_seconds: float
    fit_seconds: float
    n_epochs: int
    method: str


def estimate(config: Config, observe: Observer = silent, *, communicator: Communicator = ALONE) -> Estimate:
    """Reads the data and trains for at most a few seconds; writes nothing."""
    inputs = from_scratch(config, observe, communicator)
    splits, train = inputs.splits, inputs.splits.train
    (plan,) = plans(config)
    learner = build_learner(plan, inputs, communicator)
    epoch_seconds = _epoch_seconds(learner)
    state = learner.state(1)
    data_bytes = sum(_bytes(part) for part in (train, splits.valid, splits.test) if part is not None)
    states = (*state.model.values(), *state.learner.values())
    training_bytes = learner.column_bytes + sum(array.nbytes for array in states)
    return {
        "n_ratings": len(train),
        "n_users": len(train.users),
        "n_items": len(train.items),
        "n_parameters": sum(array.size for array in state.model.values()),
        "data_bytes": data_bytes,
        "training_bytes": training_bytes,
        "peak_bytes": LIBRARY_BYTES + 2 * data_bytes + training_bytes,
        "epoch_seconds": epoch_seconds,
        "fit_seconds": epoch_seconds * learner.n_epochs,
        "n_epochs": learner.n_epochs,
        "method": config.training.method,
    }


class _Enough(Exception):  # noqa: N818 -- not an error
    """An epoch has run for long enough to know its speed."""


def _epoch_seconds(learner: Learner) -> float:
    """Seconds of an epoch, measured on all of it or on as much as fits the limit."""
    started = time.perf_counter()
    share = 1.0

    def watch(event: Event) -> None:
        nonlocal share
        if isinstance(event, Step) and event.done and time.perf_counter() - started > LONGEST_SECONDS:
            share = event.done / event.total
            raise _Enough

    with contextlib.suppress(_Enough):
        learner.epoch(1, watch)
    return (time.perf_counter() - started) / share


def _bytes(ratings: Interactions) -> int:
    columns = (ratings.user_idx, ratings.item_idx, ratings.rating, ratings.timestamp)
    return sum(column.nbytes for column in columns if column is not None)
