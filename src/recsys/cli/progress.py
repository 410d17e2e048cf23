"""What a person sees while a command works: a live display on a terminal, plain lines in a pipe."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recsys.cli.render import console, say
from recsys.cli.signals import left_to_first_rank, stopping_between_events
from recsys.core.events import (
    Epoch,
    Event,
    Exporting,
    FitStart,
    Loading,
    Note,
    Observer,
    RunsProgress,
    Scoring,
    Step,
    silent,
)
from recsys.core.launch import launch
from recsys.core.words import counted, one_line, printable

if TYPE_CHECKING:
    from rich.progress import Progress

ROWS = {"ranking": "interactions"}  # scorer → what its epochs go through, where that is not ratings
EPOCH_LINES = 50  # printed of a fit with more epochs


@contextmanager
def watching() -> Iterator[Observer]:
    """An observer for a command at work; Ctrl-C and SIGTERM make it raise at the next event."""
    started = launch()
    if started is not None and started.rank > 0:
        with left_to_first_rank():
            yield silent
        return
    if not sys.stderr.isatty():
        with stopping_between_events(_Lines()) as observe:
            yield observe
        return
    with _progress() as progress:
        live = LiveProgress(progress)
        with forward_logs(live.tell), stopping_between_events(live) as observe:
            yield observe


@contextmanager
def forward_logs(tell: Callable[[str], None]) -> Iterator[None]:
    """Passes on what the library logs."""
    log, handler = logging.getLogger("recsys"), LogHandler(tell)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


def fit_line(start: FitStart) -> str:
    """A line above the epochs of one of several scorers."""
    data = " on all interactions" if start.trained_on == "all" else ""
    return f"training the {start.scorer} scorer{data} ({start.position} of {start.n_fits})"


def epoch_line(epoch: Epoch, scorer: str) -> str:
    """An epoch in a line that fits 80 columns, with one metric of train and one of valid, which not every epoch has."""
    head = f"{_counted(epoch.number, epoch.n_epochs)}{_rate(epoch.lr)}  {speed(epoch.ratings_per_second, scorer)}"
    return head + _first_metric("train", epoch.train) + _first_metric("valid", epoch.valid or {})


def _first_metric(part: str, metrics: Mapping[str, float]) -> str:
    return next((f"  {part} {name} {value:.4f}" for name, value in metrics.items()), "")


def speed(rows_per_second: float, scorer: str) -> str:
    """A speed, 15 wide where it is of ratings.

    Args:
        scorer: the name of the one that is trained.
    """
    units = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (0.0, " "))
    unit, name = next(entry for entry in units if rows_per_second >= entry[0])
    value = rows_per_second / (unit or 1)
    return f"{value:>4.{0 if value >= 99.95 else 1}f}{name} {ROWS.get(scorer, 'ratings')}/s"


class LogHandler(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


class LiveProgress:
    """Bars on a terminal: one for loading, one for training, and a line for each epoch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)
        self._job = ""
        self._began = (0, 0.0)  # an epoch's number, and when its first step was reported
        self._speed = 0.0
        self._scorer = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Loading(path, done, total):
                self._show(f"reading {path.name}", done, total, f"reading {path.name}  {done / 1e6:,.0f} MB")
            case Scoring(done, total) | Exporting(done, total):
                job = "scoring" if isinstance(event, Scoring) else "exporting"
                self._show(job, done, total, f"{job}  {done:,} of {total:,}")
            case Step():
                self._step(event)
            case FitStart():
                self._begin(event)
            case Epoch():
                self._speed = event.ratings_per_second
                if _is_shown(event):
                    self._print(epoch_line(event, self._scorer))
            case Note(text):
                self._print(f"note: {text}")
            case RunsProgress(done, total, message):
                if message:
                    self._print(message)
                self._show("runs", done, total, f"{int(done)} of {counted(total, 'run')}")

    def tell(self, message: str) -> None:
        """It stands there until the next event."""
        self._show("log", 0, 1, message)

    def _begin(self, start: FitStart) -> None:
        if start.n_fits > 1:
            self._print(fit_line(start))
        self._speed, self._scorer = 0.0, start.scorer
        self._show("fit", 0, 1, "")

    def _step(self, step: Step) -> None:
        now = time.monotonic()
        if self._began[0] != step.epoch:
            self._began = (step.epoch, now)
        elif now > self._began[1]:
            self._speed = step.done / (now - self._began[1])
        fast = f"  {speed(self._speed, self._scorer)}" if self._speed else ""
        done = (step.epoch - 1) * step.total + step.done
        detail = f"{_counted(step.epoch, step.n_epochs)}{_rate(step.lr)}{fast}"
        self._show("training", done, step.n_epochs * step.total, detail)

    def _print(self, text: str) -> None:
        self._progress.console.print(printable(text))

    def _show(self, job: str, done: float, total: int, detail: str) -> None:
        if job != self._job:
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task("", total=total)
            self._job = job
        self._progress.update(
            self._task, completed=done, total=total, description=one_line(detail), visible=done < total
        )


class _Lines:
    """What a pipe hears of: no more than a line for each epoch, each run and each note."""

    def __init__(self) -> None:
        self._scorer = ""

    def __call__(self, event: Event) -> None:
        match event:
            case FitStart():
                self._scorer = event.scorer
                if event.n_fits > 1:
                    say(fit_line(event))
            case Epoch() if _is_shown(event):
                say(epoch_line(event, self._scorer))
            case RunsProgress(message=message) if message:
                say(message)
            case Note(text):
                say(f"note: {text}")


def _is_shown(epoch: Epoch) -> bool:
    """Of hundreds of epochs, only some have a line, and the last."""
    return epoch.number % math.ceil(epoch.n_epochs / EPOCH_LINES) == 0 or epoch.number == epoch.n_epochs


def _rate(lr: float) -> str:
    """The learning rate, of a method that has one."""
    return f"  lr {lr:.1e}" if lr else ""


def _counted(number: int, n_epochs: int) -> str:
    return f"epoch {number:>{len(str(n_epochs))}}/{n_epochs}"


def _progress() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        BarColumn(bar_width=16),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}"),
        console=console(sys.stderr),
        transient=True,
    )
