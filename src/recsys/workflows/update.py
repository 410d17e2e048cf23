"""A finished run trained on: the config of a run that starts from another one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from recsys.artifacts.checkpoint import STATE_JSON, newest_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, locate, run_of
from recsys.artifacts.manifest import damaged, damaged_by
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.selected import selected_parameters
from recsys.config.loading.dump import override
from recsys.config.loading.file_text import text_of
from recsys.config.loading.load import given_values, parse_config
from recsys.config.plans import plans, served_plans
from recsys.config.schema.compatibility import methods_that_continue
from recsys.config.schema.config import Config
from recsys.config.schema.data import Files, absolute_files
from recsys.core.errors import ConfigError, RunError
from recsys.core.events import Note, Observer, silent
from recsys.core.types import Json
from recsys.core.words import joined
from recsys.training.rates import Rates, scaled
from recsys.training.settings import Method, Scheduled

EPOCHS = 1 / 7  # of those that the run was trained for
RANKING_EPOCHS = 3  # from rows that are nearly solved
LR = 0.4  # of its highest learning rate
HOLD_OUT_FROM = 50  # new ratings; a part of fewer would say nothing
REPEAT = 2  # looks at a new rating for each one at an old one, which the run knows already


def finetune_config(start: Path, config: Path, overrides: Sequence[str], observe: Observer = silent) -> Config:
    """The config of a file, with a run to start from and the model of that run.

    Keys that do not shape parameters are the file's. What it has else of another model, such as the defaults that
    `recsys init` writes, gives way with a note; overrides are checked against the run's model later.

    Raises:
        ConfigError, RunError
    """
    run = _whole(start)
    text = text_of(config)  # once: it may be a pipe
    model, section = read_run_config(run).model, given_values(text, config).get("model")
    of_run, given = model.model_dump(exclude_none=True), section if isinstance(section, dict) else {}
    free = model.free_keys if given.get("kind", model.kind) == model.kind else frozenset[str]()
    others = {key: value for key, value in given.items() if key not in free and of_run.get(key) != _settled(value)}
    if others:
        taken = joined((f"{key} {of_run.get(key)} for {value}" for key, value in others.items()), "and")
        observe(Note(f"the model is that of {run.resolve().name}: {taken}"))
    taken_over = {**of_run, **{key: given[key] for key in free & given.keys()}}
    return parse_config(text, config, [override("start.run", run), override("model", taken_over), *overrides])


def _settled(value: object) -> object:
    """A value of YAML as settings hold it."""
    return tuple(value) if isinstance(value, list) else value


def update_config(
    start: Path | None, ratings: Files | None, overrides: Sequence[str], *, only: Literal["ranking"] | None = None
) -> Config:
    """The config of a run, changed so that it goes on with new ratings: a few epochs over these and all it has seen.

    It trains for a seventh of the run's epochs, at 0.4 of its learning rate, and sees new ratings twice in an epoch
    (docs/experiments/update.md).

    Args:
        start: a finished run; None: the one that is served.
        ratings: the new ratings, in files like the run's own; None: a table in memory.
        overrides: as of `load_config`; they win.
        only: train the ranking scorer alone; that of ratings stays the run's, whatever its method.
    Raises:
        ConfigError, RunError
    """
    run = _whole(start)
    if only is not None:
        _check_has_ranking(run)
    changes = {
        **dict.fromkeys(("data.train", "data.valid", "data.test", "data.prepared")),
        "data.source": "frame" if ratings is None else "file",
        "data.sha256": None,
        "data.ratings": None if ratings is None else absolute_files(ratings),
        "start.run": run,
        "start.like_run": True,
        "start.hold_out_from": HOLD_OUT_FROM,
        "refit": False,
        **({"start.only": only, "start.replay": 1.0} if only else _training_changes(run)),
        **_ranking_changes(run),
    }
    return read_run_config(run, [*(override(key, value) for key, value in changes.items()), *overrides])


def _whole(run: Path | None) -> Path:
    """The run's folder, where its serving folder may be meant.

    Raises:
        RunError: it is a copy of a serving folder.
    """
    folder = run_of(locate(run))
    if not (folder / CONFIG).exists():
        raise RunError(
            "a copy of a serving folder holds no parameters to go on from",
            where=str(folder),
            expected="a whole run",
            hint="recsys runs lists the runs",
        )
    return folder


def _training_changes(run: Path) -> dict[str, Json]:
    """Nothing is frozen, and there are fewer epochs at a lower rate than from scratch.

    An update of an update stays as light as that one was.
    """
    config = read_run_config(run)
    if not config.data.has_ratings:
        return {"start.replay": 1.0}
    if not config.training.continues_runs:
        raise ConfigError(
            f"{config.training.method} learns from all ratings at once, so it cannot continue a run",
            where=str(run / CONFIG),
            expected=f"a run that was trained by {joined(methods_that_continue())}",
            hint="train again on the old and the new ratings together: recsys train; or update its recommendations"
            " alone: --only ranking",
        )
    scheduled = config.training.has_schedule
    unfrozen: dict[str, Json] = {"training.freeze": []} if scheduled else {}
    if config.start is not None and config.start.replay > 0:
        return unfrozen
    trained = _trained(run, config.training)
    assert isinstance(trained.n_epochs, int)
    kept = trained.model_fields_set & {*trained.kept_by_updates}  # auto would grow as the rate falls
    return {
        **unfrozen,
        "start.replay": 1.0,
        "start.repeat": REPEAT,
        "training.n_epochs": max(1, math.ceil(trained.n_epochs * EPOCHS)),
        **({"training.lr_max": _lower(trained.lr_max)} if isinstance(trained, Scheduled) else {}),
        **{f"training.{key}": value for key, value in trained.model_dump(mode="json", include=kept).items()},
    }


def _check_has_ranking(run: Path) -> None:
    """Raises RunError where there is no ranking scorer to update."""
    if "ranking" not in [plan.name for plan in served_plans(read_run_config(run))]:
        raise RunError(
            "the run has no ranking scorer that could be updated alone",
            where=str(run),
            expected="a run with the section ranking in its config",
            hint="recsys update without --only updates its predicted ratings",
        )


def _ranking_changes(run: Path) -> dict[str, Json]:
    """Fewer epochs than from scratch, since they start from the run's rows; always on all interactions."""
    names = [plan.name for plan in plans(read_run_config(run))]
    return {"ranking.n_epochs": RANKING_EPOCHS} if "ranking" in names else {}


def _trained(run: Path, settings: Method) -> Method:
    """How the run's scorer of ratings was trained: its settings, with `auto` as it was resolved.

    Raises:
        RunError: the checkpoint says what settings cannot be.
    """
    _, manifest = selected_parameters(run)
    if "rating" not in manifest.served_fits:
        raise damaged(_state_json(run), "it has no fit of 'rating'")
    resolved = manifest.fits[manifest.served_fits["rating"]].training
    needed = ("n_epochs", "lr_max") if settings.has_schedule else ("n_epochs",)
    taken = {key: resolved[key] for key in (*needed, *settings.kept_by_updates) if key in resolved}
    missing = next((key for key in needed if taken.get(key, "auto") == "auto"), None)
    if missing is not None:
        raise damaged(_state_json(run), f"training.{missing} has no value")
    given = settings.model_dump(mode="json", exclude_none=True)
    try:
        return type(settings).model_validate_json(json.dumps(given | taken))
    except ValidationError as error:
        raise damaged_by(_state_json(run), error, "training.") from error


def _state_json(run: Path) -> Path:
    newest = newest_checkpoint(run / CHECKPOINTS)
    assert newest is not None  # the settings were read from there
    return newest / STATE_JSON


def _lower(lr_max: Rates) -> Json:
    """The highest learning rate, in the notation that it was given in."""
    lower = scaled(lr_max, LR)
    return [*lower] if isinstance(lower, tuple) else lower
