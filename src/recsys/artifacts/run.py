"""One run: claimed by one process, recorded epoch by epoch, resumable at every checkpoint."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from recsys.artifacts import history
from recsys.artifacts.checkpoint import (
    BEST,
    checkpoints,
    newest_checkpoint,
    open_checkpoint,
    read_state,
    way_on,
    write_checkpoint,
)
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, METRICS, all_runs, runs_root
from recsys.artifacts.lock import locked
from recsys.artifacts.verified import VerifiedFolder, reading
from recsys.config.loading.load import dump, load_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.events import Epoch
from recsys.core.files import write_text, writing
from recsys.core.types import Arrays, State
from recsys.version import __version__

AUTO_SECONDS = 10.0  # between checkpoints
# What may change between an interruption and its resume, because the result does not depend on it.
PARTS = {"ratings", "train", "valid", "test"}
NEUTRAL = {
    "data": {*PARTS, "items"},
    "training": {"n_threads", "checkpoint_every"},
}
PLACES = {"device"}  # auto means another one on another machine


class Restorable(Protocol):
    """What a run gives a state back to."""

    def restore(self, state: State) -> None:
        """Goes back to a state."""
        ...


class Run:
    """A run's folder, and what has been recorded in it so far.

    Attributes:
        result: the content of metrics.json when the run is finished already, else None.
        rows: the history so far.
    """

    def __init__(self, path: Path, config: Config, checkpoint: Path | None) -> None:
        self.path = path
        self.config = config
        self.rows: list[history.Row] = []
        self.result = read_result(path)
        self._checkpoint = checkpoint
        self._facts: dict[str, Any] = {}
        self._best: Arrays = {}
        self._saved_epoch = 0
        self._saved_at = self._started = time.perf_counter()

    @classmethod
    @contextmanager
    def claim(cls, folder: Path, config: Config, *, resume: bool, checkpoint: str | None = None) -> Iterator[Run]:
        """Takes the folder for this process; writes nothing into it yet.

        Raises:
            RunError: the folder is in use, holds something and `resume` is off, or holds a run of another config.
        """
        with locked(folder):
            if (folder / CONFIG).exists():
                _check_resumable(folder, config, resume)
            elif folder.is_dir() and any(folder.iterdir()):
                raise _used(folder)
            yield cls(folder, config, folder / CHECKPOINTS / checkpoint if checkpoint else None)

    def as_started(self) -> Config:
        """The config, with `auto` as it was understood when the run started: later versions may choose otherwise."""
        training = self.config.training
        known = training.model_dump(mode="json", exclude_none=True)
        open_ = {key for key in type(training).model_fields if known.get(key, "auto") == "auto"} - PLACES
        known |= {key: value for key, value in self._understood().items() if key in open_}
        return self.config.model_copy(update={"training": type(training).model_validate_json(json.dumps(known))})

    def _understood(self) -> dict[str, Any]:
        """The hyperparameters in the checkpoint to go on from; none where `restore` will say what is wrong with it."""
        try:
            path = self._checkpoint or newest_checkpoint(self.path / CHECKPOINTS)
            found: dict[str, Any] = open_checkpoint(path).facts["training"] if path else {}
        except RunError:
            return {}
        return found

    def open(self, facts: Mapping[str, Any]) -> None:
        """Creates the folder, now that there is data to train on.

        Args:
            facts: what every checkpoint says beside its epoch: data fingerprints, scale, hyperparameters.
        """
        self._facts = {"seed": self.config.seed, **facts, "versions": versions()}
        with writing(self.path):
            (self.path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        if not (self.path / CONFIG).exists():
            write_text(self.path / CONFIG, dump(self.config))
        self._saved_at = self._started = time.perf_counter()

    def restore(self, learner: Restorable) -> int:
        """Puts the learner where the newest checkpoint left it; returns the epochs that are done.

        Raises:
            RunError: the checkpoint is damaged, or was made from other data.
        """
        folder = self.path / CHECKPOINTS
        path = self._checkpoint or newest_checkpoint(folder)
        if self._checkpoint is not None and self._checkpoint not in checkpoints(folder):
            raise RunError(
                "this checkpoint is missing",
                where=str(self._checkpoint),
                expected=" or ".join(one.name for one in checkpoints(folder)) or "a run with checkpoints",
            )
        if path is None:
            self.rows = history.cut(self.path / HISTORY, 0)
            return 0
        try:
            checkpoint = open_checkpoint(path)
            state = read_state(checkpoint)
        except RunError as error:
            hint = way_on(folder, before=path.name)
            raise RunError(error.what, where=error.where, expected=error.expected, hint=hint) from error
        _check_same_data(checkpoint, self._facts, self.config)
        self._best = {name.removeprefix(BEST): one for name, one in state.learner.items() if name.startswith(BEST)}
        try:
            learner.restore(state)
        except (KeyError, ValueError) as error:  # its sums have matched, so nothing of it is damaged
            raise RunError(
                f"the checkpoint does not hold what {self.config.training.method} goes on from",
                where=str(path),
                expected=f"one that this version has written (recsys {__version__})",
                hint="start a new run",
            ) from error
        self.rows = history.cut(self.path / HISTORY, state.epoch)
        if not self.rows or self.rows[-1]["epoch"] != state.epoch:
            raise RunError(
                f"{HISTORY} is damaged: it lacks epoch {state.epoch}",
                where=str(self.path / HISTORY),
                expected="a line for each epoch",
                hint=way_on(folder, before=path.name),
            )
        self._saved_epoch = state.epoch
        self._started -= self.rows[-1]["fit_seconds"]
        return state.epoch

    def record(self, epoch: Epoch, state: Callable[[int], State]) -> None:
        """Adds the epoch to the history, and writes a checkpoint if one is due."""
        self.rows.append(history.row(epoch, time.perf_counter() - self._started))
        history.append(self.path / HISTORY, self.rows[-1])  # before the checkpoint, or a kill loses it
        if self.config.training.keep == "best" and history.best_epoch(self.rows) == epoch.number:
            self._best = {name: array.copy() for name, array in state(epoch.number).model.items()}
        if self._is_due(epoch.number):
            self.save(state(epoch.number))

    @property
    def should_stop(self) -> bool:
        """Whether the config's patience has run out."""
        return history.is_out_of_patience(self.rows, self.config.training.patience)

    def save(self, state: State) -> None:
        """Writes a checkpoint, unless this epoch has one."""
        if state.epoch == self._saved_epoch:
            return
        history.to_disk(self.path / HISTORY)
        best = {BEST + name: array for name, array in self._best.items()}
        whole = State(state.epoch, state.model, {**state.learner, **best})
        write_checkpoint(self.path / CHECKPOINTS, whole, self._facts)
        self._saved_epoch = state.epoch
        self._saved_at = time.perf_counter()

    def selected_state(self, last: State) -> State:
        """The state that the config keeps: the last one, or that of the best epoch."""
        best = history.best_epoch(self.rows)
        return State(best, self._best, last.learner) if self._best and best is not None else last

    @property
    def fit_seconds(self) -> float:
        """Wall time of the whole fit, over all its resumes."""
        return float(self.rows[-1]["fit_seconds"]) if self.rows else 0.0

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Writes metrics.json, which makes the run a finished one, and returns it."""
        write_text(self.path / METRICS, json.dumps(result, indent=2) + "\n")
        return result

    def _is_due(self, epoch: int) -> bool:
        every = self.config.training.checkpoint_every
        if every == "auto":
            return time.perf_counter() - self._saved_at >= AUTO_SECONDS
        return epoch % every == 0


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    from importlib.metadata import version

    return {
        "recsys": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": version("torch"),
    }


def changed_keys(old: Config, new: Config) -> list[str]:
    """The keys in which two configs differ and on which a result depends, as "key: old → new"."""
    before, after = _flat(old), _flat(new)
    return [
        f"{key}: {before.get(key)!r} → {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def newest_unfinished(name: str, config: Config) -> Path:
    """The newest run of the config `name` that was cut short.

    Raises:
        RunError: there is none.
    """
    unfinished = [
        path
        for path in all_runs()
        if path.name.startswith(f"{name}-")
        and not (path / METRICS).exists()
        and not changed_keys(load_config(path / CONFIG), config)
    ]
    if not unfinished:
        raise RunError(
            f"there is no unfinished run of {name}",
            where=str(runs_root()),
            expected=f"a folder {name}-… of the same config without {METRICS}",
            hint="name the run with --run-dir, or start it without --resume",
        )
    return unfinished[-1]


def _flat(config: Config) -> dict[str, Any]:
    flat = {}
    for section, values in config.model_dump(mode="json").items():
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            if key not in NEUTRAL.get(section, ()):
                flat[f"{section}.{key}".rstrip(".")] = value
            elif key in PARTS and value is not None:
                flat[f"{section}.{key}"] = "a file"  # its content is compared with the checkpoint's
    return flat


def read_result(path: Path) -> dict[str, Any] | None:
    """The content of a finished run's metrics.json, or None."""
    if not (path / METRICS).exists():
        return None
    with reading(path / METRICS):
        try:
            result: dict[str, Any] = json.loads((path / METRICS).read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError("metrics.json is damaged", where=str(path / METRICS)) from error
    return result


def _check_resumable(folder: Path, config: Config, resume: bool) -> None:
    if not resume:
        raise _used(folder)
    changed = changed_keys(load_config(folder / CONFIG), config)
    if changed:
        raise RunError(
            "the run was started with another config: " + "; ".join(changed),
            where=str(folder / CONFIG),
            expected="the same values, except for paths, n_threads and checkpoint_every",
            hint="leave --config out to go on as it was started, or start a new run",
        )


def _used(folder: Path) -> RunError:
    return RunError(
        "the run folder is in use already",
        where=str(folder),
        expected="a folder that is new or empty",
        hint=f"choose another --run-dir, or go on with the run in it: recsys train --resume --run-dir {folder}",
    )


def _check_same_data(checkpoint: VerifiedFolder, facts: Mapping[str, Any], config: Config) -> None:
    """By content: a file may lie elsewhere now."""
    before: dict[str, str] = checkpoint.facts["data"]
    changed = {part: before.get(part) for part, now in facts["data"].items() if before.get(part) != now}
    if changed:
        files = ", ".join(str(getattr(config.data, part)) for part in changed)
        raise RunError(
            f"the data changed since the run was started: {files}",
            where=str(checkpoint.path),
            expected="the same bytes: " + ", ".join(f"sha256 {sha256} of {part}" for part, sha256 in changed.items()),
            hint="bring the old file back, or start a new run",
        )
