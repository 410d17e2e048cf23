"""The main job: ratings in, a run with checkpoints, metrics and a serving folder out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from recsys.artifacts.fit_record import FitRecord
from recsys.artifacts.manifest import FORMAT
from recsys.artifacts.metrics import RunMetrics, ScorerMetrics, write_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import Epoch, FitStart, Observer, silent
from recsys.core.types import State
from recsys.data.interactions import Dataset
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.objectives.measure import StartMeasured, measure, measure_start
from recsys.objectives.specs import find_objective
from recsys.training.build import build_learner
from recsys.training.groups import Group
from recsys.training.loop import Learner, fit
from recsys.training.settings import Method
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
        observe: gets Loading, FitStart, Step and Epoch events; what it raises ends the run, which can then be resumed.
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
        planned, fits = plans(config), dict[str, FittedScorer]()
        for position, plan in enumerate(planned, 1):
            observe(FitStart(plan.name, position, len(planned)))
            fits[plan.name] = _fit_plan(run.as_started(plan), run, inputs, fits, observe, communicator)
        if run.is_writer:
            write_bundle(run.path, {name: fitted.served for name, fitted in fits.items()}, inputs, config)
        metrics = _metrics(fits, inputs, communicator)
        if report is not None:
            first = next(iter(fits.values()))
            after = measure_start(first.record.objective, first.served.scorer, inputs, communicator)
            assert first.start is not None
            metrics["start"] = report.to_metrics(first.start, after)
        if run.is_writer:
            write_metrics(run.path, metrics)
        communicator.barrier()  # the run is whole where any rank returns
        return metrics


@dataclass(frozen=True, eq=False)
class FittedScorer:
    """A plan that is done.

    Attributes:
        state: the last one, for checkpoints of the scorers that come after it.
        n_ratings: that an epoch sees.
        start: of the first scorer of a run that starts from another, its scores before training.
    """

    plan: Plan
    record: FitRecord
    state: State
    served: ServedScorer
    groups: tuple[Group, ...]
    n_ratings: int
    start: StartMeasured | None


def _fit_plan(
    plan: Plan,
    run: Run,
    inputs: TrainingInputs,
    finished: Mapping[str, FittedScorer],
    observe: Observer,
    communicator: Communicator,
) -> FittedScorer:
    """Trains one scorer, after those that are finished."""
    objective = find_objective(plan.objective)
    learner = build_learner(plan, inputs, communicator)
    is_first_of_update = inputs.warm_start is not None and not finished
    start = measure_start(objective, learner.scorer(), inputs, communicator) if is_first_of_update else None
    run.open(inputs, plan.name, learner.settings())
    states = {name: fitted.state for name, fitted in finished.items()}
    record = FitRecord(run, plan.name, objective, plan.training, states)
    last = _fit(record, learner, inputs, observe, communicator)
    learner.restore(record.selected_state(last))
    scorer = learner.scorer()
    learn_intervals = objective.learn_intervals if run.is_writer else None
    intervals = None if learn_intervals is None else learn_intervals(scorer, learner.samples, inputs)
    served = ServedScorer(plan.model.kind, scorer, intervals)
    return FittedScorer(plan, record, record.whole(last), served, learner.groups, learner.n_ratings, start)


def _fit(
    record: FitRecord, learner: Learner, inputs: TrainingInputs, observe: Observer, communicator: Communicator
) -> State:
    """Trains, from where the record stands to its end, and returns the last state."""
    splits, n_done = inputs.splits, record.restore(learner)
    communicator.barrier()  # before a checkpoint is written, all have read the last one
    epochs = fit(learner, after=n_done, observe=observe)
    while not record.should_stop and (epoch := next(epochs, None)):
        if splits.valid is not None and is_evaluated(epoch, record.settings, learner, splits):
            scores = record.objective.evaluate(learner.scorer(), splits.valid, inputs.seen, communicator)
            epoch = replace(epoch, valid={name: scores.metrics[name] for name in record.objective.metrics})
        record.add(epoch, learner.state)
        observe(epoch)
    last = learner.state(record.n_epochs)
    record.save(last)
    return last


def is_evaluated(epoch: Epoch, training: Method, learner: Learner, splits: Splits) -> bool:
    """Whether the epoch is one to look at valid after; auto keeps evaluating below training in time."""
    every = training.evaluate_every
    if every is None:
        return False
    # auto goes by counts, not by the clock, so that the history is the same every time
    auto = math.ceil(learner.evaluation_cost * len(splits.valid or ()) / len(splits.train))
    return epoch.number == epoch.n_epochs or epoch.number % (auto if every == "auto" else every) == 0


def _metrics(fits: Mapping[str, FittedScorer], inputs: TrainingInputs, communicator: Communicator) -> RunMetrics:
    """Those of the first scorer, and under its name those of every other."""
    first, *others = (_scorer_metrics(fitted, fits, inputs, communicator) for fitted in fits.values())
    train = inputs.splits.train
    return cast(
        RunMetrics,
        {
            **first,
            **dict(zip(list(fits)[1:], others, strict=True)),
            "train": {
                "n_ratings": len(inputs.train) if "rating" in fits else 0,
                "n_interactions": len(train),
                "n_users": len(train.users),
                "n_items": len(train.items),
            },
            "recsys_version": __version__,
            "format": FORMAT,
        },
    )


def _scorer_metrics(
    fitted: FittedScorer, fits: Mapping[str, FittedScorer], inputs: TrainingInputs, communicator: Communicator
) -> ScorerMetrics:
    record, scorer = fitted.record, fitted.served.scorer
    others = {name: other.served.scorer for name, other in fits.items() if other is not fitted}
    measured = measure(record.objective, scorer, inputs, fitted.plan.seed, communicator, others)
    ratings = scorer.as_rating()
    return {
        "objective": record.objective.name,
        "valid": measured["valid"],
        "test": measured["test"],
        "baselines": measured["baselines"],
        "fit_seconds": record.seconds,
        "ratings_per_second": fitted.n_ratings * record.n_epochs / sum(row.seconds for row in record.rows),
        "n_epochs": record.n_epochs,
        "best_epoch": record.best_epoch,
        "embedding_dim": fitted.plan.model.fixed_dim or scorer.embedding_dim,  # gibbs serves more
        "method": record.settings.method,
        "link": None if ratings is None else ratings.link.to_dict(),
        "groups": [{"name": group.name, "lr_max": group.lr_max, "frozen": group.is_frozen} for group in fitted.groups],
    }
