"""What a run would need: memory from the size of the data, time from a part of one epoch."""

from __future__ import annotations

import contextlib
import time
from typing import NotRequired, TypedDict, cast

from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import Event, Observer, Step, silent
from recsys.data.interactions import Dataset
from recsys.data.training_inputs import TrainingInputs
from recsys.training.build import build_learner
from recsys.training.loop import Learner
from recsys.workflows.inputs import prepare_inputs

LONGEST_SECONDS = 5.0
LIBRARY_BYTES = (
    400_000_000  # Python with torch, numba and Arrow, measured; the ratings are held twice while they are split
)


class FitEstimate(TypedDict):
    """What the fit of a scorer would need: memory in bytes, seconds without evaluations and checkpoints.

    Attributes:
        training_bytes: what it adds to the ratings, the model included.
    """

    n_parameters: int
    training_bytes: int
    epoch_seconds: float
    fit_seconds: float
    n_epochs: int
    method: str


class Estimate(FitEstimate):
    """What a run would need: the fit of its first scorer, and by their names those of the others.

    Attributes:
        n_ratings, n_interactions: of train, with a rating, and in all.
        data_bytes: of the ratings.
        peak_bytes: about what the process will hold at most.
    """

    n_ratings: int
    n_interactions: int
    n_users: int
    n_items: int
    data_bytes: int
    peak_bytes: int
    ranking: NotRequired[FitEstimate]


def estimate(
    config: Config,
    observe: Observer = silent,
    *,
    data: Dataset | None = None,
    communicator: Communicator = ALONE,
) -> Estimate:
    """Reads the data, if it is not given, and trains each scorer for at most a few seconds; writes nothing."""
    inputs, _ = prepare_inputs(config, observe, communicator, data)
    splits, train = inputs.splits, inputs.splits.train
    fits = {plan.name: _estimate_fit(plan, inputs, communicator) for plan in plans(config)}
    data_bytes = sum(part.n_bytes for part in (inputs.seen, splits.valid, splits.test) if part is not None)
    training_bytes = max(needs["training_bytes"] for needs in fits.values())  # one scorer is trained after the other
    first, *others = fits.items()
    whole = {
        "n_ratings": len(inputs.train) if "rating" in fits else 0,
        "n_interactions": len(train),
        "n_users": len(train.users),
        "n_items": len(train.items),
        "data_bytes": data_bytes,
        "peak_bytes": LIBRARY_BYTES + 2 * data_bytes + training_bytes,
    }
    return cast(Estimate, {**first[1], **whole, **dict(others)})


def _estimate_fit(plan: Plan, inputs: TrainingInputs, communicator: Communicator) -> FitEstimate:
    learner = build_learner(plan, inputs, communicator)
    epoch_seconds = _epoch_seconds(learner)
    state = learner.state(1)
    states = (*state.model.values(), *state.learner.values())
    return {
        "n_parameters": sum(array.size for array in state.model.values()),
        "training_bytes": learner.column_bytes + sum(array.nbytes for array in states),
        "epoch_seconds": epoch_seconds,
        "fit_seconds": epoch_seconds * learner.n_epochs,
        "n_epochs": learner.n_epochs,
        "method": plan.training.method,
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
