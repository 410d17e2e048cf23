"""One run: its folder, claimed by one process, its config, and what it is resumed from."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from recsys.artifacts.checkpoint import (
    checkpoints,
    name_last,
    newest_checkpoint,
    offering_older,
    open_checkpoint,
    remove_old,
    way_on,
)
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, METRICS, all_runs, runs_root
from recsys.artifacts.history import History, intact_results
from recsys.artifacts.lock import locked
from recsys.artifacts.manifest import FORMAT, CheckpointManifest, FitEntry, damaged, damaged_by
from recsys.artifacts.metrics import closing_files, read_metrics
from recsys.artifacts.recorded import check_recorded
from recsys.artifacts.run_config import changed_keys, check_same_config, check_same_data, deciding_values
from recsys.artifacts.shared_folder import check_shared
from recsys.artifacts.stored_config import stored_config
from recsys.artifacts.verified import VerifiedFolder
from recsys.config.loading.load import dump
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

PLACES = {"device"}  # auto means another one on another machine


class Run:
    """A run's folder.

    Attributes:
        communicator: the ranks of the job; rank 0 writes the folder, but for what others have of checkpoints.
        result: the content of metrics.json when the run is finished already, else None.
        resumed: the checkpoint to go on from; None where there is none yet, or the run is finished.
    """

    def __init__(self, path: Path, config: Config, checkpoint: str | None, communicator: Communicator) -> None:
        self.path = path
        self.config = config
        self.communicator = communicator
        self.result = read_metrics(path)
        self.resumed = None if self.result is not None else _checkpoint(path / CHECKPOINTS, checkpoint)
        self._manifest: CheckpointManifest | None = None
        self._history: History | None = None

    @classmethod
    @contextmanager
    def claim(
        cls, folder: Path, config: Config, communicator: Communicator, *, resume: bool, checkpoint: str | None = None
    ) -> Iterator[Run]:
        """Takes the folder for this job; writes nothing into it yet.

        Args:
            communicator: rank 0 holds the lock and writes.
            checkpoint: to go on from; None: the newest.

        Raises:
            RunError: the folder is in use, holds something and `resume` is off, or holds a run of another config; or
                the checkpoint is missing or damaged.
        """
        is_writer = communicator.rank == 0
        with locked(folder) if is_writer else nullcontext():
            if _holds_other_files(folder) or (not resume and (folder / CONFIG).exists()):
                raise _used(folder)
            run = cls(folder, config, checkpoint, communicator)
            if (folder / CONFIG).exists():
                check_same_config(folder, config)
            if run.result is not None:
                check_recorded(folder, *closing_files(folder))
            communicator.barrier()  # before anything is written, all have looked
            if is_writer and run.result is not None:
                remove_old(folder / CHECKPOINTS)  # where the training could not
            yield run

    @property
    def is_writer(self) -> bool:
        """Whether this rank writes the folder."""
        return self.communicator.rank == 0

    @property
    def progress(self) -> str:
        """How far the run was when it was claimed, in words."""
        if self.result is not None:
            return "a finished run"
        return "no checkpoint" if self.resumed is None else self.resumed.path.name

    @property
    def manifest(self) -> CheckpointManifest:
        """Of every checkpoint but for its epochs; the run has to be open."""
        assert self._manifest is not None
        return self._manifest

    @property
    def history(self) -> History:
        """What happened so far; the run has to be open."""
        assert self._history is not None
        return self._history

    def as_started(self, plan: Plan) -> Plan:
        """The plan, with `auto` as it was understood when the run started: later versions may choose otherwise."""
        fit = self.resumed.manifest.fits.get(plan.name) if self.resumed else None
        if self.resumed is None or fit is None:
            return plan
        training = plan.training
        known = training.model_dump(mode="json", exclude_none=True)
        open_ = {key for key in type(training).model_fields if known.get(key, "auto") == "auto"} - PLACES
        known |= {key: value for key, value in fit.training.items() if key in open_}
        try:
            started = type(training).model_validate_json(json.dumps(known))
        except ValidationError as error:
            raise damaged_by(self.resumed.json, error, "training.") from error
        if conflict := started.conflict(plan.model):
            raise damaged(self.resumed.json, f"training.{conflict.key}: {conflict.what}")
        return replace(plan, training=started)

    def open(self, inputs: TrainingInputs, plan: Plan, hyperparameters: Mapping[str, Json]) -> None:
        """Creates the folder, now that there is data to train on; once more for each further fit.

        Args:
            plan: whose turn it is.
            hyperparameters: of its fit, with `auto` resolved.
        Raises:
            UsageError: not all ranks see it.
            RunError: it cannot be written; or the run was started with other data, or its history is damaged.
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
            config=deciding_values(self.config),
            scale=scale,
            training=fit.training,
            versions=versions(),
        )
        if self.is_writer:
            self._create()
        check_shared(self.path, self.communicator)
        self._history = self._history_up_to()

    def _create(self) -> None:
        """The folder, and in it config.yaml last: one that has none can be used anew."""
        with writing(self.path):
            (self.path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        if not (self.path / CONFIG).exists():
            write_text(self.path / CONFIG, dump(self.config))

    def _history_up_to(self) -> History:
        """The history up to the checkpoint to go on from, from which the run goes on if it is cut short again."""
        path, resumed = self.path / HISTORY, self.resumed
        if resumed is None:
            return History.up_to(path, "", is_writer=self.is_writer)
        check_same_data(resumed, self.manifest, self.config)
        try:
            history = History.up_to(path, resumed.manifest.history, is_writer=self.is_writer)
        except RunError as error:
            error.hint = way_on(self.path / CHECKPOINTS, resumed.path.name, intact_results(path))
            raise
        if self.is_writer:
            name_last(resumed.path)
        return history


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    from importlib.metadata import version

    return {
        "recsys": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": version("torch"),
    }


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
        and not changed_keys(deciding_values(stored_config(path)), config)
    ]
    if not unfinished:
        raise RunError(
            f"there is no unfinished run of {name}",
            where=str(runs_root()),
            expected=f"a folder {name}-… of the same config without {METRICS}",
            hint="name the run with --run-dir, or start it without --resume",
        )
    return unfinished[-1]


def _holds_other_files(folder: Path) -> bool:
    """Whether there is anything but a run, or what one leaves that is killed before it has begun."""
    if not folder.is_dir():
        return os.path.lexists(folder)
    if (folder / CONFIG).exists():
        return False
    names = {path.name for path in folder.iterdir() if not path.name.startswith(TEMPORARY)}
    return bool(names - {CHECKPOINTS}) or (CHECKPOINTS in names and any((folder / CHECKPOINTS).iterdir()))


def _checkpoint(folder: Path, name: str | None) -> VerifiedFolder[CheckpointManifest] | None:
    """The checkpoint of this name, or the newest; None where there is none yet."""
    if name is None:
        path = newest_checkpoint(folder)
    else:
        path, existing = folder / name, checkpoints(folder)
        if path not in existing:
            raise RunError(
                "this checkpoint is missing",
                where=str(path),
                expected=" or ".join(each.name for each in existing) or "a run with checkpoints",
            )
    if path is None:
        return None
    with offering_older(path):
        return open_checkpoint(path)


def _used(folder: Path) -> RunError:
    resume = shell_command(["recsys", "train", "--resume", "--run-dir", str(folder)])
    has_run = (folder / CONFIG).exists()
    return RunError(
        "the run folder is in use already",
        where=str(folder),
        expected="a folder that is new or empty",
        hint="choose another --run-dir" + (f", or resume the run in it: {resume}" if has_run else ""),
    )
