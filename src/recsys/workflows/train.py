"""The main job: ratings in, a run with checkpoints, metrics and a serving folder out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

from recsys.artifacts.fit_record import FitRecord
from recsys.artifacts.manifest import FORMAT
from recsys.artifacts.metrics import RunMetrics, write_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.write_bundle import write_bundle
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import Epoch, Observer, silent
from recsys.data.interactions import Dataset
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import learn_intervals
from recsys.objectives.measure import measure, measure_start
from recsys.objectives.specs import find_objective
from recsys.scoring.protocols import TrainedScorer
from recsys.training.build import build_learner
from recsys.training.loop import Learner, fit
from recsys.version import __version__
from recsys.workflows.inputs import prepare_inputs


def train(
    config: Config,
    folder: Path,
    *,
    data: Dataset | None = None,
    resume: bool = False,
    checkpoint: str | None = None,
    observe: Observer = silent,
    communicator: Communicator = ALONE,
) -> RunMetrics:
    """Trains as the config says and writes the run into `folder`; returns the content of its metrics.json.

    Args:
        data: what to train on; None: what the config names is read.
        resume: go on from the newest checkpoint in `folder`; on a finished run, return its result.
        checkpoint: go on from this one instead, such as "epoch-0004".
        observe: gets Loading, Step and Epoch events; what it raises ends the run, which can then be resumed.
        communicator: the ranks that read, train and measure together; rank 0 alone writes and reports.
    Raises:
        ConfigError, DataError, RunError, DivergedError
    """
    observe = observe if communicator.rank == 0 else silent
    claim = Run.claim(folder, config, communicator, resume=resume, checkpoint=checkpoint)
    with communicator.shared_errors(), claim as run:
        if run.result is not None:
            return run.result
        inputs, report = prepare_inputs(config, observe, communicator, data)
        (plan,) = plans(run.as_started())
        objective = find_objective(plan.objective)
        learner = build_learner(plan, inputs, communicator)
        before = measure_start(objective, learner.scorer(), inputs, communicator) if report else None
        run.open(inputs.fingerprints, inputs.scale, learner.settings())
        record = FitRecord(run, plan.name, objective)
        scorer = _fit(record, learner, inputs, observe, communicator)
        if run.is_writer:
            intervals = learn_intervals(scorer, learner.samples, inputs)
            write_bundle(run.path, {plan.name: scorer}, inputs, config, intervals)
        metrics = _metrics(record, learner, scorer, inputs, communicator)
        if report is not None and before is not None:
            metrics["start"] = report.to_metrics(before, measure_start(objective, scorer, inputs, communicator))
        if run.is_writer:
            write_metrics(run.path, metrics)
        communicator.barrier()  # the run is whole where any rank returns
        return metrics


def _fit(
    record: FitRecord, learner: Learner, inputs: TrainingInputs, observe: Observer, communicator: Communicator
) -> TrainedScorer:
    """Trains, from where the record stands to its end, and returns the model that the config keeps."""
    every, splits = record.settings.evaluate_every, inputs.splits
    n_done = record.restore(learner)
    communicator.barrier()  # before a checkpoint is written, all have read the last one
    epochs = fit(learner, after=n_done, observe=observe)
    while not record.should_stop and (epoch := next(epochs, None)):
        if splits.valid is not None and is_evaluated(epoch, every, learner, splits):
            scores = record.objective.evaluate(learner.scorer(), splits.valid, inputs.seen_ratings, communicator)
            epoch = replace(epoch, valid={name: scores.metrics[name] for name in record.objective.metrics})
        record.add(epoch, learner.state)
        observe(epoch)
    last = learner.state(record.n_epochs)
    record.save(last)
    learner.restore(record.selected_state(last))
    return learner.scorer()


def is_evaluated(epoch: Epoch, every: int | Literal["auto"], learner: Learner, splits: Splits) -> bool:
    """Whether the epoch is one to look at valid after; auto keeps evaluating below training in time."""
    # auto goes by counts, not by the clock, so that the history is the same every time
    auto = math.ceil(learner.evaluation_cost * len(splits.valid or ()) / len(splits.train))
    return epoch.number == epoch.n_epochs or epoch.number % (auto if every == "auto" else every) == 0


def _metrics(
    record: FitRecord, learner: Learner, scorer: TrainedScorer, inputs: TrainingInputs, communicator: Communicator
) -> RunMetrics:
    model, n_epochs, train = record.run.config.model, record.n_epochs, inputs.train
    measured = measure(record.objective, scorer, inputs, communicator)
    return {
        "objective": record.objective.name,
        "valid": measured["valid"],
        "test": measured["test"],
        "baselines": measured["baselines"],
        "fit_seconds": record.seconds,
        "ratings_per_second": learner.n_ratings * n_epochs / sum(row.seconds for row in record.rows),
        "n_epochs": n_epochs,
        "best_epoch": record.best_epoch,
        "embedding_dim": model.fixed_dim or scorer.embedding_dim,  # gibbs serves more
        "method": record.settings.method,
        "link": scorer.link.to_dict(),
        "groups": [{"name": one.name, "lr_max": one.lr_max, "frozen": one.is_frozen} for one in learner.groups],
        "train": {
            "n_ratings": len(train),
            "n_users": len(train.users),
            "n_items": len(train.items),
        },
        "recsys_version": __version__,
        "format": FORMAT,
    }
