"""The main job: ratings in, a run with checkpoints, metrics and a serving folder out."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from recsys.artifacts.bundle import write_bundle
from recsys.artifacts.history import best_epoch
from recsys.artifacts.intervals import learn_intervals
from recsys.artifacts.run import Run
from recsys.config.schema.config import Config
from recsys.core.events import Epoch, Observer, silent
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.metrics import evaluate
from recsys.evaluation.summary import measure
from recsys.scoring.protocols import Trained
from recsys.training.build import build_learner
from recsys.training.loop import Learner, fit
from recsys.version import __version__
from recsys.workflows.inputs import measure_start, prepare_inputs


def train(
    config: Config, folder: Path, *, resume: bool = False, checkpoint: str | None = None, observe: Observer = silent
) -> dict[str, Any]:
    """Trains as the config says and writes the run into `folder`; returns the content of its metrics.json.

    Args:
        resume: go on from the newest checkpoint in `folder`; on a finished run, return its result.
        checkpoint: go on from this one instead, such as "epoch-0004".
        observe: gets Loading, Step and Epoch events; what it raises ends the run, which can then be resumed.
    Raises:
        ConfigError, DataError, RunError, DivergedError
    """
    with Run.claim(folder, config, resume=resume, checkpoint=checkpoint) as run:
        if run.result is not None:
            return run.result
        inputs, report = prepare_inputs(config, observe)
        learner = build_learner(run.as_started(), inputs)
        start = {**asdict(report), "before": measure_start(learner.scorer(), inputs)} if report else None
        scorer = _fit(run, learner, inputs, observe)
        intervals = learn_intervals(scorer, learner.samples, inputs)
        write_bundle(run.path, scorer, inputs, config, intervals)
        return run.finish(_metrics(run, learner, scorer, inputs, start))


def _fit(run: Run, learner: Learner, inputs: TrainingInputs, observe: Observer) -> Trained:
    """Trains, from where the run stands to its end, and returns the model that the config keeps."""
    training, splits = run.config.training, inputs.splits
    run.open({"data": inputs.fingerprints, "scale": asdict(inputs.scale), "training": learner.settings()})
    epochs = fit(learner, after=run.restore(learner), observe=observe)
    while not run.should_stop and (epoch := next(epochs, None)):
        if splits.valid is not None and is_evaluated(epoch, training.evaluate_every, learner, splits):
            epoch = replace(epoch, valid=evaluate(learner.scorer(), splits.valid))
        run.record(epoch, learner.state)
        observe(epoch)
    last = learner.state(run.rows[-1]["epoch"])
    run.save(last)
    learner.restore(run.selected_state(last))
    return learner.scorer()


def is_evaluated(epoch: Epoch, every: int | Literal["auto"], learner: Learner, splits: Splits) -> bool:
    """Whether the epoch is one to look at valid after; auto keeps evaluating below training in time."""
    # auto goes by counts, not by the clock, so that the history is the same every time
    auto = math.ceil(learner.evaluation_cost * len(splits.valid or ()) / len(splits.train))
    return epoch.number == epoch.n_epochs or epoch.number % (auto if every == "auto" else every) == 0


def _metrics(
    run: Run, learner: Learner, scorer: Trained, inputs: TrainingInputs, start: dict[str, Any] | None
) -> dict[str, Any]:
    epochs, train = run.rows[-1]["epoch"], inputs.splits.train
    return {
        **({"start": {**start, "after": measure_start(scorer, inputs)}} if start else {}),
        **measure(scorer, inputs),
        "fit_seconds": run.fit_seconds,
        "ratings_per_second": learner.n_ratings * epochs / sum(row["seconds"] for row in run.rows),
        "n_epochs": epochs,
        "best_epoch": best_epoch(run.rows),
        "embedding_dim": getattr(run.config.model, "embedding_dim", scorer.embedding_dim),  # gibbs serves more
        "method": run.config.training.method,
        "link": scorer.link.to_dict(),
        "groups": [group.to_dict() for group in learner.groups],
        "train": {
            "n_ratings": len(train),
            "n_users": len(train.users),
            "n_items": len(train.items),
        },
        "recsys_version": __version__,
    }
