"""One fit in a run: recorded epoch by epoch, resumable at every checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from recsys.artifacts import history
from recsys.artifacts.checkpoint import (
    BEST,
    best_parameters,
    check_state,
    offering_older,
    read_state,
    remove_old,
    write_checkpoint,
)
from recsys.artifacts.directory import CHECKPOINTS
from recsys.artifacts.run import Run
from recsys.core.collectives import is_so_on_first
from recsys.core.errors import RunError
from recsys.core.events import Epoch
from recsys.core.layout import StateLayout
from recsys.core.types import Arrays, RowsHere, State
from recsys.objectives.objective import Objective
from recsys.version import __version__

if TYPE_CHECKING:
    from recsys.training.settings import Method

AUTO_SECONDS = 10.0  # between checkpoints


class Restorable(Protocol):
    """What a state is given back to."""

    def layout(self, epoch: int) -> StateLayout:
        """What the arrays of a state after so many epochs are."""
        ...

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
        self._best: Arrays = {}
        self._best_rows: RowsHere = {}
        self._saved_epoch = 0
        self._saved_at = self._started = time.perf_counter()

    def restore(self, learner: Restorable) -> int:
        """Puts the learner where the newest checkpoint left it; returns the epochs that are done.

        Raises:
            RunError: the checkpoint is damaged.
        """
        checkpoint = self.run.resumed
        self.rows = self.run.history.rows_of(self.name)
        if checkpoint is None or self.name not in checkpoint.manifest.fits:
            return 0
        with offering_older(checkpoint.path):
            state = read_state(checkpoint, self.name)
            self._check(checkpoint.path, state, learner.layout(state.epoch))
        self._best = best_parameters(state)
        try:
            learner.restore(state)
        except ValueError as error:  # the arrays are in order, but of an earlier version
            raise RunError(
                f"the checkpoint does not hold what {self.settings.method} goes on from: {error}",
                where=str(checkpoint.path),
                expected=f"one that this version has written (recsys {__version__})",
                hint="start a new run",
            ) from error
        self._saved_epoch = state.epoch
        self._started -= self.seconds
        return state.epoch

    def add(self, epoch: Epoch, state: Callable[[int], State]) -> None:
        """Adds the epoch to the history, and writes a checkpoint if one is due."""
        self.rows.append(history.HistoryRow.of(self.name, epoch, time.perf_counter() - self._started))
        self.run.history.add(self.rows[-1])  # before the checkpoint, or a kill loses it
        if self.settings.keep == "best" and self.best_epoch == epoch.number:
            self._best, self._best_rows = _copied(best := state(epoch.number)), best.rows_here
        if self._is_due(epoch.number):
            self.save(state(epoch.number))

    @property
    def should_stop(self) -> bool:
        """Whether the config's patience has run out."""
        return history.is_out_of_patience(self.rows, self.objective, self.settings.patience)

    def save(self, state: State) -> None:
        """Writes a checkpoint, unless this epoch has one; all ranks call this."""
        if state.epoch == self._saved_epoch:
            if self.run.is_writer:
                remove_old(self.run.path / CHECKPOINTS)  # where a kill has kept the fit from it
            return
        if self.run.is_writer:
            self.run.history.to_disk()
        manifest = self.run.manifest.model_copy(update={"history": self.run.history.result})
        states = {**self._finished, self.name: self.whole(state)}
        write_checkpoint(self.run.path / CHECKPOINTS, states, manifest, self.run.communicator)
        self._saved_epoch = state.epoch
        self._saved_at = time.perf_counter()

    def whole(self, state: State) -> State:
        """The state, with the best parameters where those are what the run keeps."""
        best = {BEST + name: array for name, array in self._best.items()}
        rows = {BEST + name: rows for name, rows in self._best_rows.items()}
        return State(state.epoch, state.model, {**state.learner, **best}, {**state.rows_here, **rows})

    def selected_state(self, last: State) -> State:
        """The state that the config keeps: the last one, or that of the best epoch."""
        best = self.best_epoch
        return State(best, self._best, last.learner, self._best_rows) if self._best and best is not None else last

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

    def _check(self, path: Path, state: State, layout: StateLayout) -> None:
        """Raises RunError if the arrays in a checkpoint are not those of this fit."""
        try:
            check_state(path, self.name, state, layout)
        except RunError as error:
            error.expected = f"what {self.settings.method} goes on from, as recsys {__version__} writes it"
            raise

    def _is_due(self, epoch: int) -> bool:
        every = self.settings.checkpoint_every
        if every == "auto":
            return is_so_on_first(time.perf_counter() - self._saved_at >= AUTO_SECONDS, self.run.communicator)
        return epoch % every == 0


def _copied(state: State) -> Arrays:
    """Copies of the parameters; of those that are divided among ranks, of the rows that are here."""
    copies = {name: array.copy() for name, array in state.model.items() if name not in state.rows_here}
    for name, ranges in state.rows_here.items():
        copies[name] = np.empty_like(state.model[name])
        for rows in ranges:
            copies[name][rows] = state.model[name][rows]
    return copies
