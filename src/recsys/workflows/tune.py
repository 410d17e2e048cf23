"""Hyperparameters chosen on the validation set: trials in an Optuna study, which can be gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from recsys.config.plans import Plan
from recsys.config.schema.config import Config
from recsys.config.space import Range, Space, Values, config_with
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DivergedError, RunError, need_extra
from recsys.core.events import Observer, RunsProgress, Step, silent
from recsys.core.seeding import rng
from recsys.data.interactions import Dataset, Interactions
from recsys.data.training_inputs import TrainingInputs
from recsys.objectives.objective import Objective
from recsys.training.build import build_learner
from recsys.training.loop import fit
from recsys.workflows.fit_plan import is_evaluated
from recsys.workflows.inputs import from_scratch
from recsys.workflows.tuned_config import Best, Tuned
from recsys.workflows.tuned_plan import tuned_plan

if TYPE_CHECKING:
    import optuna

TENTHS = 10  # of a fit, after which hopeless trials are pruned
FIRST_TRIALS, FIRST_TENTHS = 5, 4  # are never pruned: there is too little to compare with
AS_IT_IS = "as_it_is"  # where a study keeps what the config reaches without changes


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
        n_trials: in the study in all: where it has some already, as many as are left.
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
    study = _open(task, storage)
    with _recorded(storage):
        if AS_IT_IS not in study.user_attrs:
            study.set_user_attr(AS_IT_IS, _deciding_metric(task, config, None, n_done=0))
        while (n_done := len(_finished(study))) < n_trials:
            _try(study, task, n_done)
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
    inputs = from_scratch(config, observe, ALONE, data)
    if inputs.splits.valid is None:
        raise ConfigError(
            "tuning chooses on valid, and there is none",
            where="split.valid_fraction",
            expected="a share of the ratings, such as 0.1",
        )
    return replace(inputs, splits=replace(inputs.splits, test=None))


def _open(task: _Task, storage: str) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _recorded(storage):
        study = optuna.create_study(
            study_name="recsys",
            storage=storage,
            load_if_exists=True,
            direction=task.objective.direction,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST_TRIALS, n_warmup_steps=FIRST_TENTHS),
        )
        wanted = _fingerprint(task)
        if study.user_attrs.setdefault("of", wanted) != wanted:
            raise RunError(
                "the study is of another config, space or data",
                where=storage,
                expected="those that it was begun with",
                hint="name another one: --storage sqlite:///FILE",
            )
        study.set_user_attr("of", wanted)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):  # of a process that was killed
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _try(study: optuna.Study, task: _Task, n_done: int) -> None:
    """One trial more."""
    import optuna

    # The draws depend on the seed and the trials so far alone, so that a study that was stopped goes on alike.
    study.sampler = optuna.samplers.TPESampler(seed=int(rng(task.config.seed, "tune", n_done).integers(2**31)))
    trial = study.ask()
    values = {key: _suggest(trial, key, dimension) for key, dimension in task.space.items()}
    try:
        metric = _deciding_metric(task, config_with(task.config, values), trial, n_done)
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        result = "pruned"
    except (DivergedError, ConfigError) as error:
        trial.set_user_attr("failed", error.what)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)  # the sampler learns from these, and not from FAIL
        result = f"failed: {error.what}"
    except BaseException:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    else:
        study.tell(trial, metric)
        result = f"valid {task.objective.deciding_metric} {metric:.4f}"
    tried = ", ".join(f"{key.rpartition('.')[2]} {_show(value)}" for key, value in values.items())
    task.observe(RunsProgress(n_done + 1, task.n_trials, f"trial {trial.number + 1}: {result} ({tried})"))


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


def _best(study: optuna.Study, task: _Task) -> Tuned:
    from optuna.trial import TrialState

    objective, seen = task.objective, task.inputs.seen
    as_it_is: float = study.user_attrs[AS_IT_IS]
    complete = study.get_trials(states=[TrialState.COMPLETE])
    best = Best(None, as_it_is, {})
    for trial in complete:
        if trial.value is not None and objective.cost(trial.value) < objective.cost(best.metric):
            best = Best(trial.number + 1, trial.value, trial.params)
    finished = _finished(study)
    n_failed = sum(trial.state is TrialState.FAIL or "failed" in trial.user_attrs for trial in finished)
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


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    from optuna.trial import TrialState

    return list(study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]))


def _suggest(trial: optuna.Trial, key: str, dimension: Range | Values) -> object:
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(key, dimension)
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return trial.suggest_int(key, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)


def _show(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _fingerprint(task: _Task) -> str:
    """Of all that a trial's result depends on."""
    facts = (
        task.config.model_dump(mode="json", exclude={"data"}),
        task.objective.name,
        task.objective.deciding_metric,
        task.inputs.fingerprints,
        {key: str(dimension) for key, dimension in task.space.items()},
    )
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextmanager
def _recorded(storage: str) -> Iterator[None]:
    """Turns what a database says into an error that names it."""
    from optuna.exceptions import OptunaError, TrialPruned
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except TrialPruned:
        raise
    except (OptunaError, SQLAlchemyError, ImportError) as error:
        raise RunError(
            f"the study cannot be used: {str(error).splitlines()[0]}",
            where=storage,
            expected="a database that Optuna can open, such as sqlite:///FILE",
        ) from error
