"""Hyperparameters chosen on valid: trials in an Optuna study, which can be gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from recsys.config.schema.config import Config
from recsys.config.space import Range, Space, config_with
from recsys.core.errors import ConfigError, DivergedError, RunError, need_extra
from recsys.core.events import Observer, RunsProgress, Step, silent
from recsys.core.seeding import rng
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.training.build import build_learner
from recsys.training.loop import fit
from recsys.workflows.inputs import from_scratch
from recsys.workflows.train import is_evaluated

if TYPE_CHECKING:
    import optuna

TENTHS = 10  # of a fit, after which hopeless trials are given up
FIRST_TRIALS, FIRST_TENTHS = 5, 4  # are never given up: there is too little to compare with


@dataclass(frozen=True)
class Tuned:
    """The config whose valid rmse is the lowest, and what was tried.

    Attributes:
        facts: see `tune`.
    """

    config: Config
    facts: dict[str, Any]


def check_optuna() -> None:
    """Raises MissingExtraError if it is not installed."""
    need_extra("optuna", "tuning needs", "tune")


def tune(config: Config, n_trials: int, space: Space, storage: str, observe: Observer = silent) -> Tuned:
    """Trains with values from the space and measures on valid; the test part is not even read.

    The config as it is counts as a candidate too. A trial whose valid rmse is worse than the median of the others at
    the same point of their fits is given up; one that diverges has failed.

    Args:
        n_trials: in the study in all: where it has some already, as many as are left.
        storage: of the study, as Optuna names it: sqlite:///FILE, or the URL of a database server.
        observe: gets Several events; what it raises ends the study, which can then be gone on with.
    Returns:
        Facts: n_trials, n_pruned, n_failed; n_ratings of valid; as_it_is and biases, the valid rmse of the config and
        of the biases alone; best: trial (None: the config as it is), rmse and values.
    Raises:
        MissingExtraError, ConfigError, DataError
        RunError: the study cannot be opened, or is of another config, space or data.
    """
    check_optuna()
    inputs = _inputs(config, observe)
    study = _open(config, inputs, space, storage)
    with _recorded(storage):
        if "as_it_is" not in study.user_attrs:
            study.set_user_attr("as_it_is", _valid_rmse(config, inputs, None, _inside(0, n_trials, observe)))
        while (n_done := len(_finished(study))) < n_trials:
            _try(study, config, inputs, space, n_done, n_trials, observe)
    return _best(study, config, inputs)


def _inputs(config: Config, observe: Observer) -> TrainingInputs:
    """The ratings without the test part."""
    for key, is_wrong, hint in (
        ("start", config.start is not None, "tune a config that trains from scratch"),
        ("training.patience", config.training.patience is not None, "leave it out: trials end by themselves"),
    ):
        if is_wrong:
            raise ConfigError(f"tuning does not go with {key}", where=key, expected="a config without it", hint=hint)
    if config.data.test is not None:
        without_test = {"data": config.data.model_copy(update={"test": None})}
        config = config.model_copy(
            update={**without_test, "split": config.split.model_copy(update={"test_fraction": 0.0})}
        )
    inputs = from_scratch(config, observe)
    if inputs.splits.valid is None:
        raise ConfigError(
            "tuning chooses on valid, and there is none",
            where="split.valid_fraction",
            expected="a share of the ratings, such as 0.1",
        )
    return replace(inputs, splits=replace(inputs.splits, test=None))


def _open(config: Config, inputs: TrainingInputs, space: Space, storage: str) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _recorded(storage):
        study = optuna.create_study(
            study_name="recsys",
            storage=storage,
            load_if_exists=True,
            direction="minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST_TRIALS, n_warmup_steps=FIRST_TENTHS),
        )
        wanted = _fingerprint(config, inputs, space)
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


def _try(
    study: optuna.Study,
    config: Config,
    inputs: TrainingInputs,
    space: Space,
    n_done: int,
    n_trials: int,
    observe: Observer,
) -> None:
    """One trial more."""
    import optuna

    # The draws depend on the seed and the trials so far alone, so that a study that was stopped goes on alike.
    study.sampler = optuna.samplers.TPESampler(seed=int(rng(config.seed, "tune", n_done).integers(2**31)))
    trial = study.ask()
    values = {key: _suggest(trial, key, dimension) for key, dimension in space.items()}
    said = ", ".join(f"{key.rpartition('.')[2]} {_show(value)}" for key, value in values.items())
    try:
        rmse = _valid_rmse(config_with(config, values), inputs, trial, _inside(n_done, n_trials, observe))
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        result = "given up"
    except (DivergedError, ConfigError) as error:
        trial.set_user_attr("failed", error.what)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)  # the sampler learns from these, and not from FAIL
        result = f"failed: {error.what}"
    except BaseException:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        raise
    else:
        study.tell(trial, rmse)
        result = f"valid rmse {rmse:.4f}"
    observe(RunsProgress(n_done + 1, n_trials, f"trial {trial.number + 1}: {result} ({said})"))


def _inside(n_done: int, n_trials: int, observe: Observer) -> Observer:
    """Tells how far the study is, from how far a fit is."""

    def progress(event: object) -> None:
        if isinstance(event, Step):
            share = (event.epoch - 1 + event.done / event.total) / event.n_epochs
            observe(RunsProgress(n_done + share, n_trials))

    return progress


def _valid_rmse(config: Config, inputs: TrainingInputs, trial: optuna.Trial | None, observe: Observer) -> float:
    """The valid rmse that `recsys train` reaches with the config.

    Raises:
        optuna.TrialPruned: others were better by far at this point.
    """
    import optuna

    valid = inputs.splits.valid
    assert valid is not None
    learner = build_learner(config, inputs)
    found: list[float] = []
    for epoch in fit(learner, observe=observe):
        if not is_evaluated(epoch, config.training.evaluate_every, learner, inputs.splits):
            continue
        found.append(evaluate(learner.scorer(), valid).rmse)
        tenth = TENTHS * epoch.number // epoch.n_epochs
        if trial is not None and tenth < TENTHS and tenth > TENTHS * (epoch.number - 1) // epoch.n_epochs:
            trial.report(found[-1], tenth)
            if trial.should_prune():
                raise optuna.TrialPruned
    return min(found) if config.training.keep == "best" else found[-1]


def _best(study: optuna.Study, config: Config, inputs: TrainingInputs) -> Tuned:
    from optuna.trial import TrialState

    valid = inputs.splits.valid
    assert valid is not None
    complete = study.get_trials(states=[TrialState.COMPLETE])
    as_it_is = study.user_attrs["as_it_is"]
    best = min(complete, key=lambda trial: trial.value or 0.0, default=None)
    if best is None or best.value is None or best.value >= as_it_is:
        chosen: dict[str, Any] = {"trial": None, "rmse": as_it_is, "values": {}}
    else:
        chosen = {"trial": best.number + 1, "rmse": best.value, "values": best.params}
    finished = _finished(study)
    n_failed = sum(trial.state is TrialState.FAIL or "failed" in trial.user_attrs for trial in finished)
    facts = {
        "n_trials": len(finished),
        "n_pruned": len(finished) - n_failed - len(complete),
        "n_failed": n_failed,
        "n_ratings": len(valid),
        "as_it_is": as_it_is,
        "biases": evaluate(baselines.biases(inputs.seen_ratings), valid).rmse,
        "best": chosen,
    }
    return Tuned(config_with(config, chosen["values"]), facts)


def _finished(study: optuna.Study) -> list[Any]:
    from optuna.trial import TrialState

    found: list[Any] = study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
    return found


def _suggest(trial: optuna.Trial, key: str, dimension: Range | tuple[Any, ...]) -> Any:
    if not isinstance(dimension, Range):
        return trial.suggest_categorical(key, dimension)
    if isinstance(dimension.low, int) and isinstance(dimension.high, int):
        return trial.suggest_int(key, dimension.low, dimension.high, log=dimension.log)
    return trial.suggest_float(key, dimension.low, dimension.high, log=dimension.log)


def _show(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _fingerprint(config: Config, inputs: TrainingInputs, space: Space) -> str:
    """Of all that a trial's result depends on."""
    facts = (
        config.model_dump(mode="json", exclude={"data"}),
        inputs.fingerprints,
        {key: str(one) for key, one in space.items()},
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
