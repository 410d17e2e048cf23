"""The main job: ratings in, a run with checkpoints, metrics and a serving folder out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from recsys.artifacts.directory import MEASURED, SERVING
from recsys.artifacts.manifest import FORMAT
from recsys.artifacts.metrics import RunMetrics, ScorerMetrics, write_metrics
from recsys.artifacts.run import Run
from recsys.artifacts.run_config import deciding_values
from recsys.artifacts.shared_folder import SHARED
from recsys.artifacts.write_bundle import write_bundle
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.events import FitStart, Observer, silent
from recsys.core.memory import give_back_memory
from recsys.core.same import COPY_FILES, check_same
from recsys.data.interactions import Dataset
from recsys.data.read import read_ratings
from recsys.data.training_inputs import TrainingInputs
from recsys.objectives.measure import measure, measure_start
from recsys.training.build import check_ranks
from recsys.version import __version__
from recsys.workflows.carried import CarriedScorer, carry_scorers
from recsys.workflows.fit_plan import FittedPlan, fit_plan
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.refit import refit
from recsys.workflows.served_inputs import as_served


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
    values = {key: repr(value) for key, value in deciding_values(config).items()}
    check_same(values, communicator, hint="start all ranks with the same config")
    claim = Run.claim(folder, config, communicator, resume=resume, checkpoint=checkpoint)
    with communicator.shared_errors(), claim as run:
        check_same({"what they see of the run": run.progress}, communicator, hint=SHARED)
        if run.result is not None:
            return run.result
        planned = plans(config)
        for plan in planned:
            check_ranks(plan, communicator.size)
        if config.refit and data is None:
            data = read_ratings(config.data, communicator, observe, uses_times=config.uses_times)
        inputs, report = prepare_inputs(config, observe, communicator, data, leaves_rows=True)
        sums = {f"the sha256 of data.{part}": sha256 for part, sha256 in inputs.fingerprints.items()}
        check_same(sums, communicator, hint=COPY_FILES)
        fits = dict[str, FittedPlan]()
        scorers: dict[str, FittedPlan | CarriedScorer] = {**carry_scorers(config, run, inputs)}
        n_fits = len(planned) * (2 if config.refit else 1)
        for position, plan in enumerate(planned, 1):
            begins = FitStart(plan.scorer, position, n_fits)
            finished = {name: scorer.state for name, scorer in scorers.items()}
            is_reported = report is not None and not fits  # the first scorer's scores before training
            fits[plan.name] = fit_plan(
                run.as_started(plan),
                run,
                inputs,
                finished,
                observe,
                communicator,
                begins=begins,
                measures_start=is_reported,
            )
            scorers[plan.name] = fits[plan.name]
        give_back_memory()  # what training took
        with inputs.read_by_first():
            if run.is_writer:
                served = {name: scorer.served for name, scorer in scorers.items()}
                write_bundle(run.path, served, inputs, config, folder=MEASURED if config.refit else SERVING)
                give_back_memory()
        measured = inputs if config.data.has_ratings else inputs.unrated()
        metrics = _metrics(fits, measured, communicator)
        if report is not None:
            first = next(iter(fits.values()))
            after = measure_start(first.record.objective, first.served.scorer, inputs, config.seed, communicator)
            assert first.start is not None
            metrics["start"] = report.to_metrics(first.start, after)
        if config.refit:
            assert data is not None
            metrics["refit"] = refit(run, fits, data, inputs, observe, communicator)
        if run.is_writer:
            write_metrics(run.path, metrics)
        communicator.barrier()  # the run is whole where any rank returns
        return metrics


def _metrics(fits: Mapping[str, FittedPlan], inputs: TrainingInputs, communicator: Communicator) -> RunMetrics:
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
    fitted: FittedPlan, fits: Mapping[str, FittedPlan], inputs: TrainingInputs, communicator: Communicator
) -> ScorerMetrics:
    record, scorer = fitted.record, fitted.served.scorer
    others = {name: other.served.scorer for name, other in fits.items() if other is not fitted}
    served, measured_on = as_served(fitted.served, inputs)
    measured = measure(record.objective, served, measured_on, fitted.plan.seed, communicator, others)
    ratings = scorer.as_rating()
    return {
        "objective": record.objective.name,
        **measured,
        "fit_seconds": record.seconds,
        "ratings_per_second": fitted.n_ratings * record.n_epochs / sum(row.seconds for row in record.rows),
        "n_epochs": record.n_epochs,
        "best_epoch": record.best_epoch,
        "embedding_dim": fitted.plan.model.fixed_dim or scorer.embedding_dim,  # gibbs serves more
        "method": record.settings.method,
        "link": None if ratings is None else ratings.link.to_dict(),
        "groups": [{"name": group.name, "lr_max": group.lr_max, "frozen": group.is_frozen} for group in fitted.groups],
    }
