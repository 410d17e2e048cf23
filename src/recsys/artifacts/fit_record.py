"""One fit in a run: recorded epoch by epoch, resumable at every checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recsys.artifacts import history
from recsys.artifacts.checkpoint import (
    BEST,
    best_parameters,
    checkpoints,
    newest_checkpoint,
    open_checkpoint,
    read_state,
    way_on,
    write_checkpoint,
)
from recsys.artifacts.directory import CHECKPOINTS, HISTORY
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.run import Run
from recsys.artifacts.verified import VerifiedFolder
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.events import Epoch
from recsys.core.types import Arrays, State
from recsys.data.sources.origin import name_of
from recsys.objectives.objective import Objective
from recsys.version import __version__

if TYPE_CHECKING:
    from recsys.training.settings import Method

AUTO_SECONDS = 10.0  # between checkpoints


class Restorable(Protocol):
    """What a state is given back to."""

    def restore(self, state: State) -> None:
        """Goes back to a state."""
        ...


class FitRecord:
    """What has been recorded of a fit so far; on disk by the rank that writes the run.

    Attributes:
        name: its name in the run, such as "rating".
        settings: how it is trained.
        rows: its history.
    """

    def __init__(
        self, run: Run, name: str, objective: Objective, settings: Method, finished: Mapping[str, State]
    ) -> None:
        """Of an open run; the clock of fit_seconds starts.

        Args:
            finished: the last states of the fits that are done already, by name; checkpoints keep them.
        """
        self.run, self.name, self.objective = run, name, objective
        self.settings, self._finished = settings, finished
        self.rows: list[history.HistoryRow] = []
        self._history, self._checkpoints = run.path / HISTORY, run.path / CHECKPOINTS
        self._best: Arrays = {}
        self._saved_epoch = 0
        self._saved_at = self._started = time.perf_counter()

    def restore(self, learner: Restorable) -> int:
        """Puts the learner where the newest checkpoint left it; returns the epochs that are done.

        Raises:
            RunError: the checkpoint is damaged, or was made from other data.
        """
        started = self.run.started_fits
        has_begun = started is None or self.name in started or not self._finished
        path = self._checkpoint_path() if has_begun else None  # it may be gone by the turn of a later fit
        state = None if path is None else self._read(path)
        if path is None or state is None:
            self.rows = self._up_to(0)
            return 0
        self._best = best_parameters(state)
        try:
            learner.restore(state)
        except (KeyError, ValueError) as error:  # its sums have matched, so nothing of it is damaged
            raise RunError(
                f"the checkpoint does not hold what {self.settings.method} goes on from",
                where=str(path),
                expected=f"one that this version has written (recsys {__version__})",
                hint="start a new run",
            ) from error
        self.rows = self._up_to(state.epoch)
        if self.n_epochs != state.epoch:
            raise RunError(
                f"{HISTORY} is damaged: it lacks epoch {state.epoch}",
                where=str(self._history),
                expected="a line for each epoch",
                hint=way_on(self._checkpoints, before=path.name),
            )
        self._saved_epoch = state.epoch
        self._started -= self.seconds
        return state.epoch

    def add(self, epoch: Epoch, state: Callable[[int], State]) -> None:
        """Adds the epoch to the history, and writes a checkpoint if one is due."""
        self.rows.append(history.HistoryRow.of(self.name, epoch, time.perf_counter() - self._started))
        if self.run.is_writer:
            history.append(self._history, self.rows[-1])  # before the checkpoint, or a kill loses it
        if self.settings.keep == "best" and self.best_epoch == epoch.number:
            self._best = {name: array.copy() for name, array in state(epoch.number).model.items()}
        if self._is_due(epoch.number):
            self.save(state(epoch.number))

    @property
    def should_stop(self) -> bool:
        """Whether the config's patience has run out."""
        return history.is_out_of_patience(self.rows, self.objective, self.settings.patience)

    def save(self, state: State) -> None:
        """Writes a checkpoint, unless this epoch has one."""
        if state.epoch == self._saved_epoch or not self.run.is_writer:
            return
        history.to_disk(self._history)
        write_checkpoint(self._checkpoints, {**self._finished, self.name: self.whole(state)}, self.run.manifest)
        self._saved_epoch = state.epoch
        self._saved_at = time.perf_counter()

    def whole(self, state: State) -> State:
        """The state, with the best parameters where those are what the run keeps."""
        best = {BEST + name: array for name, array in self._best.items()}
        return State(state.epoch, state.model, {**state.learner, **best})

    def selected_state(self, last: State) -> State:
        """The state that the config keeps: the last one, or that of the best epoch."""
        best = self.best_epoch
        return State(best, self._best, last.learner) if self._best and best is not None else last

    @property
    def n_epochs(self) -> int:
        """Epochs that are done, over all resumes."""
        return self.rows[-1].epoch if self.rows else 0

    @property
    def best_epoch(self) -> int | None:
        """The epoch that is best by the objective on the validation set; None if none was evaluated."""
        return history.best_epoch(self.rows, self.objective)

    @property
    def n_kept_epochs(self) -> int:
        """Epochs after which the parameters are those that the run keeps."""
        best = self.best_epoch
        return best if self.settings.keep == "best" and best is not None else self.n_epochs

    @property
    def seconds(self) -> float:
        """Wall time of the whole fit, over all its resumes."""
        return self.rows[-1].fit_seconds if self.rows else 0.0

    def _checkpoint_path(self) -> Path | None:
        """The checkpoint that the run names, else the newest; None before the first one."""
        named = self.run.checkpoint
        if named is None:
            return newest_checkpoint(self._checkpoints)
        existing = checkpoints(self._checkpoints)
        if named not in existing:
            raise RunError(
                "this checkpoint is missing",
                where=str(named),
                expected=" or ".join(path.name for path in existing) or "a run with checkpoints",
            )
        return named

    def _read(self, path: Path) -> State | None:
        """The state in a checkpoint that was made from the run's data; None if this fit's turn had not come."""
        try:
            checkpoint = open_checkpoint(path)
            state = read_state(checkpoint, self.name) if self.name in checkpoint.manifest.fits else None
        except RunError as error:
            hint = way_on(self._checkpoints, before=path.name)
            raise RunError(error.what, where=error.where, expected=error.expected, hint=hint) from error
        _check_same_data(checkpoint, self.run.manifest, self.run.config)
        return state

    def _up_to(self, epoch: int) -> list[history.HistoryRow]:
        """The history up to an epoch; what follows goes."""
        read = history.cut if self.run.is_writer else history.read_up_to
        return read(self._history, self.name, epoch)

    def _is_due(self, epoch: int) -> bool:
        every = self.settings.checkpoint_every
        if every == "auto":
            return time.perf_counter() - self._saved_at >= AUTO_SECONDS
        return epoch % every == 0


def _check_same_data(
    checkpoint: VerifiedFolder[CheckpointManifest], manifest: CheckpointManifest, config: Config
) -> None:
    """By content: a file may lie elsewhere now."""
    before = checkpoint.manifest.data
    changed = {part: before.get(part) for part, sha256 in manifest.data.items() if before.get(part) != sha256}
    if changed:
        files = ", ".join(_named(config, part) for part in changed)
        raise RunError(
            f"the data changed since the run was started: {files}",
            where=str(checkpoint.path),
            expected="the same bytes: " + ", ".join(f"sha256 {sha256} of {part}" for part, sha256 in changed.items()),
            hint="bring the old file back, or start a new run",
        )


def _named(config: Config, part: str) -> str:
    files = getattr(config.data, part)
    return config.data.source if files is None else str(name_of(files))
