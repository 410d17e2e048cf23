"""What a run would need: memory, disk and messages from the size of the data, time from a few seconds of training."""

from __future__ import annotations

import sys
from typing import NotRequired, TypedDict, cast

from recsys.artifacts.sizes import CHECKPOINTS_AT_ONCE, model_bytes, scorer_bytes, shared_bytes, state_bytes
from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Traffic
from recsys.core.events import Observer, silent
from recsys.core.memory import memory_limit, peak_memory
from recsys.data.interactions import Dataset
from recsys.data.training_inputs import TrainingInputs
from recsys.training.affinities import with_room_for_affinities
from recsys.training.build import check_ranks
from recsys.training.loop import RankLearner
from recsys.workflows.calibrate import Calibrated, Seconds, Watch, calibrate
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.inputs_by_ranks import why_whole

LIBRARY_BYTES, TORCH_BYTES = 220_000_000, 190_000_000  # Python with numba and Arrow, fitted to runs of sgd; PyTorch
START_SECONDS, TORCH_SECONDS = 0.6, 1.1  # CPU time to import them, likewise
WRITE_BYTES = 100_000_000  # a second, checksums included: of a slow disk
PREDICTED_BYTES = 4  # of a rating
SLOWER = 1.25  # so much longer a run may take than the same work did a moment ago


class FitEstimate(TypedDict):
    """What the fit of a scorer would need: sizes in bytes, seconds on the clock.

    Attributes:
        training_bytes: of memory, that it adds to the ratings, the model included; of several ranks, to those of each.
        checkpoint_bytes, serving_bytes: that it adds to a checkpoint and to the serving folder.
        epoch_seconds: of an epoch; fit_seconds: of all of them, without evaluations and checkpoints.
        sent_bytes: that all ranks together send in an epoch; sent_evaluating_bytes: in each evaluation on valid;
            sent_at_end_bytes: when the fit is done, at most.
    """

    n_parameters: int
    training_bytes: int
    checkpoint_bytes: int
    serving_bytes: int
    epoch_seconds: float
    fit_seconds: float
    n_epochs: int
    method: str
    embedding_dim: int | dict[str, int]
    sent_bytes: int
    sent_evaluating_bytes: int
    sent_at_end_bytes: int


class Estimate(FitEstimate):
    """What a run would need: the fit of its first scorer, and by their names those of the others.

    Attributes:
        n_ratings, n_interactions: of train, with a rating, and in all.
        data_bytes: of the ratings.
        peak_bytes: about what the process holds at most, no less than this one has held, which did most of the work; of
            several ranks, of each.
        memory_bytes: what it can have, None where that is unknown.
        disk_bytes: of the run's folder, at most.
        read_seconds: for reading and splitting the data, measured on all of it.
        least_seconds, most_seconds: for the whole run in one process; cpu_seconds: CPU time of it, of all threads.
    """

    n_ratings: int
    n_interactions: int
    n_users: int
    n_items: int
    n_ranks: int
    data_bytes: int
    peak_bytes: int
    memory_bytes: int | None
    disk_bytes: int
    read_seconds: float
    least_seconds: float
    most_seconds: float
    cpu_seconds: float
    ranking: NotRequired[FitEstimate]


def estimate(config: Config, observe: Observer = silent, *, data: Dataset | None = None, n_ranks: int = 1) -> Estimate:
    """Reads the data, if it is not given, and trains each scorer for at most a few seconds; writes nothing.

    Args:
        n_ranks: that would train together; they are not needed for the estimate.
    Raises:
        ConfigError: a method trains in one process, and there are to be several.
    """
    planned = plans(config)
    for plan in planned:
        check_ranks(plan, n_ranks)
    watch = Watch()
    inputs, _ = prepare_inputs(config, observe, ALONE, data, leaves_rows=True)
    read = watch.read()
    n_shares = n_ranks if why_whole(config) is None else 1  # of the ratings
    fits, least, most = dict[str, FitEstimate](), read, read
    for plan in planned:
        calibrated = calibrate(plan, inputs)
        fits[plan.name] = _of_fit(plan, calibrated, inputs, n_ranks, n_shares)
        least, most = least + calibrated.least, most + calibrated.most
        if config.refit:
            least, most = least + _again(calibrated.fastest, calibrated), most + _again(calibrated.slowest, calibrated)
        del calibrated  # one scorer's memory after the other's
    disk_bytes = _disk_bytes(config, fits, inputs)
    first, *others = fits.items()
    has_torch = "torch" in sys.modules  # where training needs it, the fits have imported it
    start = START_SECONDS + TORCH_SECONDS * has_torch
    whole = {
        **_of_data(inputs, fits),
        "peak_bytes": max(
            peak_memory() if n_shares == 1 else 0,
            LIBRARY_BYTES + TORCH_BYTES * (has_torch or n_ranks > 1) + _working_bytes(inputs, fits, n_shares),
        ),
        "n_ranks": n_ranks,
        "disk_bytes": disk_bytes,
        "read_seconds": read.wall,
        "least_seconds": start + least.wall,
        "most_seconds": SLOWER * (start + most.wall + disk_bytes / WRITE_BYTES),
        "cpu_seconds": start + most.cpu,
    }
    return cast(Estimate, {**first[1], **whole, **dict(others)})


def _of_fit(plan: Plan, calibrated: Calibrated, inputs: TrainingInputs, n_ranks: int, n_shares: int) -> FitEstimate:
    learner = calibrated.learner
    state, last = learner.state(1), learner.layout(learner.n_epochs)
    checkpoint_bytes = state_bytes(last) + (model_bytes(last) if plan.training.keep == "best" else 0)
    traffic = cast(RankLearner, learner).traffic(n_ranks) if n_ranks > 1 else Traffic(0, 0)
    scorer = learner.scorer()
    return {
        "n_parameters": sum(array.size for array in state.model.values()),
        "training_bytes": learner.column_bytes // n_shares + checkpoint_bytes,
        "checkpoint_bytes": checkpoint_bytes,
        "serving_bytes": scorer_bytes(with_room_for_affinities(scorer, inputs)),
        "epoch_seconds": calibrated.fastest.wall,
        "fit_seconds": calibrated.fastest.wall * learner.n_epochs,
        "n_epochs": learner.n_epochs,
        "method": plan.training.method,
        "embedding_dim": plan.model.fixed_dim or scorer.embedding_dim,
        "sent_bytes": traffic.epoch,
        "sent_evaluating_bytes": traffic.evaluation + _predicted_bytes(plan, inputs, n_ranks),
        "sent_at_end_bytes": traffic.end,
    }


def _predicted_bytes(plan: Plan, inputs: TrainingInputs, n_ranks: int) -> int:
    """Of what ranks predict of validation ratings and send to the first, where each has as many of them."""
    if inputs.splits.valid is None or plan.objective != "rating":
        return 0
    n_ratings = len(inputs.splits.valid.rated())
    return PREDICTED_BYTES * (n_ratings - n_ratings // n_ranks)


def _of_data(inputs: TrainingInputs, fits: dict[str, FitEstimate]) -> dict[str, int | None]:
    train = inputs.splits.train
    return {
        "n_ratings": len(inputs.train) if "rating" in fits else 0,
        "n_interactions": len(train),
        "n_users": len(train.users),
        "n_items": len(train.items),
        "data_bytes": _data_bytes(inputs),
        "memory_bytes": memory_limit(),
    }


def _data_bytes(inputs: TrainingInputs) -> int:
    parts = (inputs.seen, inputs.splits.valid, inputs.splits.test)
    return sum(part.n_bytes for part in parts if part is not None)


def _working_bytes(inputs: TrainingInputs, fits: dict[str, FitEstimate], n_shares: int) -> int:
    """The ratings are held twice while they are split; one scorer is trained after the other, and all are served.

    Of training rows that ranks divide a rank has a share, and as many more while they are sent.
    """
    training_bytes = max(needs["training_bytes"] for needs in fits.values())
    held_out = _data_bytes(inputs) - inputs.seen.n_bytes
    data_bytes = inputs.seen.n_bytes // n_shares + held_out
    return 2 * data_bytes + training_bytes + sum(needs["serving_bytes"] for needs in fits.values())


def _again(epoch: Seconds, calibrated: Calibrated) -> Seconds:
    """A fit on all interactions, without evaluations."""
    return calibrated.build + epoch * calibrated.learner.n_epochs


def _disk_bytes(config: Config, fits: dict[str, FitEstimate], inputs: TrainingInputs) -> int:
    """Checkpoints hold the states of all fits; with a refit, those on all data too, and there are two folders."""
    n_times = 2 if config.refit else 1
    checkpoint = n_times * sum(needs["checkpoint_bytes"] for needs in fits.values())
    serving = sum(needs["serving_bytes"] for needs in fits.values()) + shared_bytes(inputs)
    return CHECKPOINTS_AT_ONCE * checkpoint + n_times * serving
