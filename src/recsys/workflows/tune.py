"""Hyperparameters chosen on the validation set: trials in an Optuna study, which can be gone on with."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from recsys.config.plans import Plan
from recsys.config.schema.config import Config
from recsys.config.space import Range, Space, Values, config_with
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DivergedError, need_extra
from recsys.core.events import Note, Observer, RunsProgress, Step, silent
from recsys.core.seeding import rng
from recsys.core.words import counted
from recsys.data.interactions import Dataset, Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.objectives.objective import Objective
from recsys.training.build import build_learner
from recsys.training.loop import fit
from recsys.workflows.fit_plan import is_evaluated
from recsys.workflows.inputs import from_scratch
from recsys.workflows.shared_study import Claim, SharedStudy, recorded
from recsys.workflows.tuned_config import Best, Tuned
from recsys.workflows.tuned_plan import tuned_plan

if TYPE_CHECKING:
    import optuna

TENTHS = 10  # of a fit, after which hopeless trials are pruned
FIRST_TRIALS, FIRST_TENTHS = 5, 4  # are never pruned: there is too little to compare with
RANDOM_TRIALS = 10  # draw at random, until there is something to learn from
AS_IT_IS = "as_it_is"  # where a study keeps what the config reaches without changes
FAILED = "failed"  # where a trial keeps why it has no value
WAIT_SECONDS = 1.0  # between two looks at what other processes have done


def check_optuna() -> None:
    """Raises MissingExtraError if it is not installed."""
    need_extra("optuna", "tuning needs", "tune")


def tune(
    config: Config,
    n_trials: int,
    space: Space,
    storage: str,
    observe: Observer = silent,
    *,
    data: Dataset | None = None,
    metric: str | None = None,
) -> Tuned:
    """Trains with values from the space and measures on the validation set; the test part is not even read.

    The config as it is counts as a candidate too. A trial whose deciding metric is worse than the median of the others
    at the same point of their fits is pruned; one that diverges has failed.

    Args:
        n_trials: in the study in all: where it has some already, as many as are left. Several processes may work on one
            study at a time.
        storage: of the study, as Optuna names it: sqlite:///FILE, or the URL of a database server.
        observe: gets RunsProgress events; what it raises ends the study, which can then be gone on with.
        data: the ratings; None: those that the config names are read, but for the test part.
        metric: that decides, and whose scorer alone is trained; None: the deciding metric of the first scorer.
    Raises:
        MissingExtraError, ConfigError, DataError, UsageError
        RunError: the study cannot be opened, or is of another config, space or data.
    """
    check_optuna()
    plan, objective = tuned_plan(config, metric)
    inputs = _inputs(config, plan, observe, data)
    task = _Task(config, objective, inputs, _valid(objective, plan, inputs), space, n_trials, observe)
    study = SharedStudy(storage, objective.direction, _facts(task))
    with recorded(storage):
        if AS_IT_IS not in study.attributes:
            study.keep(AS_IT_IS, _deciding_metric(task, config, None, n_done=0))
        waits_for = -1
        while (n_done := _n_filled(study, n_trials)) < n_trials:
            with study.claimed(n_trials, partial(_sampler, task), _pruner()) as claim:
                if claim is not None:
                    _try(claim, task, n_done)
            if claim is None:
                if waits_for != n_trials - n_done:
                    waits_for = n_trials - n_done
                    observe(Note(f"waiting for {counted(waits_for, 'trial')} of other processes"))
                observe(RunsProgress(n_done, n_trials))
                time.sleep(WAIT_SECONDS)
        return _best(study, task)


@dataclass(frozen=True, eq=False)
class _Task:
    """What is tuned, by what and on what.

    Attributes:
        valid: the interactions of the validation set that are measured by.
    """

    config: Config
    objective: Objective
    inputs: TrainingInputs
    valid: Interactions
    space: Space
    n_trials: int
    observe: Observer

    def progress(self, n_done: int) -> Observer:
        """Reports how far the study is, from how far a fit is."""

        def report(event: object) -> None:
            if isinstance(event, Step):
                share = (event.epoch - 1 + event.done / event.total) / event.n_epochs
                self.observe(RunsProgress(n_done + share, self.n_trials))

        return report


def _valid(objective: Objective, plan: Plan, inputs: TrainingInputs) -> Interactions:
    assert inputs.splits.valid is not None, "_inputs has seen to it"
    sample = objective.sample(inputs.splits.valid, inputs.seen, plan.seed)
    if sample is None:
        raise ConfigError(
            f"nothing in the validation set can be measured by {objective.deciding_metric}",
            where="split",
            expected="validation interactions of known users",
            hint="split.method: user_random",
        )
    return sample.interactions


def _inputs(config: Config, plan: Plan, observe: Observer, data: Dataset | None) -> TrainingInputs:
    """The ratings without the test part."""
    for key, is_wrong, hint in (
        ("start", config.start is not None, "tune a config that trains from scratch"),
        ("training.patience", plan.training.patience is not None, "leave it out: trials end by themselves"),
    ):
        if is_wrong:
            raise ConfigError(f"tuning does not go with {key}", where=key, expected="a config without it", hint=hint)
    if config.data.test is not None:
        without_test = {"data": config.data.model_copy(update={"test": None})}
        config = config.model_copy(
            update={**without_test, "split": config.split.model_copy(update={"test_fraction": 0.0})}
        )
    inputs = from_scratch(config, observe, ALONE, data, needs_times=True)  # a trial may
    if inputs.splits.valid is None:
        raise ConfigError(
            "tuning chooses on valid, and there is none",
            where="split.valid_fraction",
            expected="a share of the ratings, such as 0.1",
        )
    return replace(inputs, splits=replace(inputs.splits, test=None))


def _n_filled(study: SharedStudy, n_trials: int) -> int:
    return sum(slot < n_trials for slot in study.finished())


def _sampler(task: _Task, slot: int) -> optuna.samplers.BaseSampler:
    """The draws depend on the seed, the slot and, after the first ones, the finished trials: not on interruptions."""
    from optuna.samplers import RandomSampler, TPESampler

    seed = int(rng(task.config.seed, "tune", slot).integers(2**31))
    return RandomSampler(seed) if slot < RANDOM_TRIALS else TPESampler(seed=seed, n_startup_trials=1)


def _pruner() -> optuna.pruners.BasePruner:
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=FIRST_TRIALS, n_warmup_steps=FIRST_TENTHS)


def _try(claim: Claim, task: _Task, n_done: int) -> None:
    """One trial more."""
    import optuna
    from optuna.trial import TrialState

    trial, value, state = claim.trial, None, TrialState.PRUNED
    values = {key: _suggest(trial, key, dimension) for key, dimension in task.space.items()}
    try:
        value = _deciding_metric(task, config_with(task.config, values), trial, n_done)
    except optuna.TrialPruned:
        result = "pruned"
    except (DivergedError, ConfigError) as error:  # the sampler learns from these too, but not from those in FAIL
        trial.set_user_attr(FAILED, error.what)
        result = f"failed: {error.what}"
    else:
        state, result = TrialState.COMPLETE, f"valid {task.objective.deciding_metric} {value:.4f}"
    claim.study.tell(trial, value, state, skip_if_finished=True)
    tried = ", ".join(f"{key.rpartition('.')[2]} {_show(value)}" for key, value in values.items())
    task.observe(RunsProgress(n_done + 1, task.n_trials, f"trial {claim.slot + 1}: {result} ({tried})"))


def _deciding_metric(task: _Task, config: Config, trial: optuna.Trial | None, n_done: int) -> float:
    """The deciding metric on the validation set that `recsys train` reaches with the config.

    Raises:
        optuna.TrialPruned: others were better by far at this point.
    """
    import optuna

    objective, inputs = task.objective, task.inputs
    plan, _ = tuned_plan(config, objective.deciding_metric)
    learner = build_learner(plan, inputs, ALONE)
    history: list[float] = []
    for epoch in fit(learner, observe=task.progress(n_done)):
        if epoch.number < epoch.n_epochs and not is_evaluated(epoch, plan.training, learner, inputs.splits):
            continue
        scores = objective.evaluate(learner.scorer(), task.valid, inputs.seen, ALONE)
        history.append(objective.value(scores.metrics))
        tenth = TENTHS * epoch.number // epoch.n_epochs
        if trial is not None and tenth < TENTHS and tenth > TENTHS * (epoch.number - 1) // epoch.n_epochs:
            trial.report(history[-1], tenth)
            if trial.should_prune():
                raise optuna.TrialPruned
    return min(history, key=objective.cost) if plan.training.keep == "best" else history[-1]


def _best(study: SharedStudy, task: _Task) -> Tuned:
    from optuna.trial import TrialState

    objective, seen, finished = task.objective, task.inputs.seen, study.finished()
    as_it_is: float = study.attributes[AS_IT_IS]
    complete = {slot: trial for slot, trial in finished.items() if trial.state is TrialState.COMPLETE}
    best = Best(None, as_it_is, {})
    for slot, trial in complete.items():
        if trial.value is not None and objective.cost(trial.value) < objective.cost(best.metric):
            best = Best(slot + 1, trial.value, trial.params)
    n_failed = sum(FAILED in trial.user_attrs for trial in finished.values())
    baseline = objective.baselines[objective.baseline_to_beat](seen)
    return Tuned(
        config=config_with(task.config, best.values),
        objective=objective,
        n_trials=len(finished),
        n_pruned=len(finished) - n_failed - len(complete),
        n_failed=n_failed,
        n_ratings=len(task.valid),
        as_it_is=as_it_is,
        baseline=objective.value(objective.evaluate(baseline, task.valid, seen, ALONE).metrics),
        best=best,
    )


def _suggest(trial: optuna.Trial, key: str, dimension: Range | Values) -> object:
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(key, dimension)
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return trial.suggest_int(key, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)


def _show(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _facts(task: _Task) -> dict[str, str]:
    """All that a trial's result depends on."""
    sections = task.config.model_dump(mode="json", exclude={"data"})
    keys = {
        f"{section}.{key}".rstrip("."): value
        for section, values in sections.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    return {
        **{key: json.dumps(value) for key, value in keys.items()},
        "metric": task.objective.deciding_metric,
        **{f"sha256 of {part}": checksum for part, checksum in task.inputs.fingerprints.items()},
        **{f"space: {key}": str(dimension) for key, dimension in task.space.items()},
    }
