"""One run: its folder, claimed by one process, its config, and what it is resumed from."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from recsys.artifacts.checkpoint import newest_checkpoint, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, METRICS, all_runs, runs_root
from recsys.artifacts.lock import locked
from recsys.artifacts.manifest import FORMAT, CheckpointManifest, FitEntry
from recsys.artifacts.metrics import read_metrics
from recsys.config.loading.load import dump, load_config
from recsys.config.plans import Plan
from recsys.config.schema.config import Config
from recsys.core.communicator import Communicator
from recsys.core.errors import RunError
from recsys.core.files import write_text, writing
from recsys.core.temporary import TEMPORARY
from recsys.core.types import Json
from recsys.core.words import shell_command
from recsys.data.training_inputs import TrainingInputs
from recsys.version import __version__

# What may change between an interruption and its resume, because the result does not depend on it.
PARTS = {"ratings", "train", "valid", "test"}
NEUTRAL = {
    "data": {*PARTS, "items", "sha256"},
    "training": {"n_threads", "checkpoint_every"},
    "ranking": {"n_threads"},
}
PLACES = {"device"}  # auto means another one on another machine


class Run:
    """A run's folder.

    Attributes:
        checkpoint: the one to go on from; None: the newest.
        is_writer: whether this rank writes the folder; the others read it.
        result: the content of metrics.json when the run is finished already, else None.
    """

    def __init__(self, path: Path, config: Config, checkpoint: Path | None, *, is_writer: bool) -> None:
        self.path = path
        self.config = config
        self.checkpoint = checkpoint
        self.is_writer = is_writer
        self._manifest: CheckpointManifest | None = None
        self.result = read_metrics(path)

    @classmethod
    @contextmanager
    def claim(
        cls, folder: Path, config: Config, communicator: Communicator, *, resume: bool, checkpoint: str | None = None
    ) -> Iterator[Run]:
        """Takes the folder for this job; writes nothing into it yet.

        Args:
            communicator: rank 0 holds the lock and writes.

        Raises:
            RunError: the folder is in use, holds something and `resume` is off, or holds a run of another config.
        """
        is_writer = communicator.rank == 0
        with locked(folder) if is_writer else nullcontext():
            if (folder / CONFIG).exists():
                _check_resumable(folder, config, resume)
            elif folder.is_dir() and any(not path.name.startswith(TEMPORARY) for path in folder.iterdir()):
                raise _used(folder)
            named = folder / CHECKPOINTS / checkpoint if checkpoint else None
            run = cls(folder, config, named, is_writer=is_writer)
            communicator.barrier()  # before anything is written, all have looked
            yield run

    @property
    def manifest(self) -> CheckpointManifest:
        """Of every checkpoint but for its epochs; the run has to be open."""
        assert self._manifest is not None
        return self._manifest

    def as_started(self, plan: Plan) -> Plan:
        """The plan, with `auto` as it was understood when the run started: later versions may choose otherwise."""
        fit = (self.started_fits or {}).get(plan.name)
        if fit is None:
            return plan
        training = plan.training
        known = training.model_dump(mode="json", exclude_none=True)
        open_ = {key for key in type(training).model_fields if known.get(key, "auto") == "auto"} - PLACES
        known |= {key: value for key, value in fit.training.items() if key in open_}
        return replace(plan, training=type(training).model_validate_json(json.dumps(known)))

    @cached_property
    def started_fits(self) -> Mapping[str, FitEntry] | None:
        """By name, those in the checkpoint to go on from; None: `FitRecord.restore` will say what is wrong."""
        try:
            path = self.checkpoint or newest_checkpoint(self.path / CHECKPOINTS)
            return open_checkpoint(path).manifest.fits if path else {}
        except RunError:
            return None

    def open(self, inputs: TrainingInputs, plan: Plan, hyperparameters: Mapping[str, Json]) -> None:
        """Creates the folder, now that there is data to train on; once more for each further fit.

        Args:
            plan: whose turn it is.
            hyperparameters: of its fit, with `auto` resolved.
        """
        fit = FitEntry(scorer=plan.scorer, epoch=0, training=dict(hyperparameters))
        scale = inputs.scale if self.config.data.has_ratings else None
        if self._manifest is not None:
            self._manifest = self._manifest.with_fit(plan.name, fit, scale)
            return
        self._manifest = CheckpointManifest(
            format=FORMAT,
            fit=plan.name,
            scorer=fit.scorer,
            epoch=fit.epoch,
            seed=self.config.seed,
            data=dict(inputs.fingerprints),
            scale=scale,
            training=fit.training,
            versions=versions(),
        )
        if not self.is_writer:
            return
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / CONFIG).exists():  # first of all: a folder that has none can be used anew
            write_text(self.path / CONFIG, dump(self.config))
        with writing(self.path):
            (self.path / CHECKPOINTS).mkdir(exist_ok=True)


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


def _flat(config: Config) -> dict[str, Json]:
    flat: dict[str, Json] = {}
    for section, values in config.model_dump(mode="json").items():
        for key, value in values.items() if isinstance(values, dict) else [("", values)]:
            if key not in NEUTRAL.get(section, ()):
                flat[f"{section}.{key}".rstrip(".")] = value
            elif key in PARTS and value is not None:
                flat[f"{section}.{key}"] = "a file"  # its content is compared with the checkpoint's
    return flat


def _check_resumable(folder: Path, config: Config, resume: bool) -> None:
    if not resume:
        raise _used(folder)
    check_same_config(folder, config)


def check_same_config(folder: Path, config: Config) -> None:
    """Refuses to go on with a run by a config that would give another result.

    Raises:
        RunError: the run in the folder was started with another config; it names each key with both values.
    """
    changed = changed_keys(load_config(folder / CONFIG), config)
    if changed:
        raise RunError(
            "the run was started with another config: " + "; ".join(changed),
            where=str(folder / CONFIG),
            expected="the same values, except for paths, n_threads and checkpoint_every",
            hint="leave --config and --set out to resume it as it was started, or start a new run",
        )


def _used(folder: Path) -> RunError:
    resume = shell_command(["recsys", "train", "--resume", "--run-dir", str(folder)])
    return RunError(
        "the run folder is in use already",
        where=str(folder),
        expected="a folder that is new or empty",
        hint=f"choose another --run-dir, or resume the run in it: {resume}",
    )
