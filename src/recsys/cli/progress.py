"""What a person sees while a command works: a live display on a terminal, plain lines in a pipe."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from recsys.cli.render import console, say
from recsys.errors import StoppedError, TerminatedError
from recsys.records import Epoch, Event, Loading, Observer, Scoring, Step

if TYPE_CHECKING:
    from rich.progress import Progress

SHOW_CURSOR = b"\x1b[?25h"  # the display hides it, and a second Ctrl-C gives it no time to tidy up
QUIET_SECONDS = 2.0  # a pipe hears of a load or a pass only when it takes longer than this


@contextmanager
def watching(*, quiet: bool = False) -> Iterator[Observer]:
    """An observer for a command; `quiet` shows nothing."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _progress() as progress:
            yield _Live(progress)
    else:
        yield _Lines()


@contextmanager
def stopping_between_events(observe: Observer) -> Iterator[Observer]:
    """Within this, Ctrl-C and SIGTERM only leave word; the observer raises at the next event.

    So no write is ever cut: events come between them. A second signal ends the process at once.
    """
    asked: list[int] = []

    def leave_word(number: int, _: FrameType | None) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        asked.append(number)
        with contextlib.suppress(OSError):  # not through sys.stderr, which this may have interrupted
            os.write(2, SHOW_CURSOR * os.isatty(2) + b"stopping; a second Ctrl-C ends at once\n")

    def heed(event: Event) -> None:
        if asked:
            raise TerminatedError("terminated") if asked[0] == signal.SIGTERM else StoppedError("interrupted")
        observe(event)

    before = {number: signal.signal(number, leave_word) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield heed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def epoch_line(epoch: Epoch) -> str:
    """An epoch in a line that fits 80 columns; valid comes last, since not every epoch has it."""
    valid = f"  valid rmse {epoch.valid.rmse:.4f}" if epoch.valid else ""
    return (
        f"{_counted(epoch.number, epoch.n_epochs)}  lr {epoch.lr:.1e}  {_speed(epoch.ratings_per_second)}"
        f"  train rmse {epoch.train_rmse:.4f}{valid}"
    )


class _Live:
    """Bars on a terminal: one for loading, one for training, and a line for each epoch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)
        self._job = ""
        self._began = (0, 0.0)  # an epoch's number, and when its first step was reported
        self._speed = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case Loading(path, done, total):
                self._show(f"reading {path.name}", done, total, f"reading {path.name}  {done / 1e6:,.0f} MB")
            case Scoring(done, total):
                self._show("scoring", done, total, f"scoring  {done:,} of {total:,}")
            case Step():
                self._step(event)
            case Epoch():
                self._speed = event.ratings_per_second
                self._progress.console.print(epoch_line(event))
                self._show("training", event.number, event.n_epochs, f"epoch {event.number}/{event.n_epochs}")

    def _step(self, step: Step) -> None:
        now = time.monotonic()
        if self._began[0] != step.epoch:
            self._began = (step.epoch, now)
        elif now > self._began[1]:
            self._speed = step.done / (now - self._began[1])
        speed = f"  {_speed(self._speed)}" if self._speed else ""
        done = (step.epoch - 1) * step.total + step.done
        detail = f"{_counted(step.epoch, step.n_epochs)}  lr {step.lr:.1e}{speed}"
        self._show("training", done, step.n_epochs * step.total, detail)

    def _show(self, job: str, done: int, total: int, detail: str) -> None:
        if job != self._job:
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task("", total=total)
            self._job = job
        self._progress.update(self._task, completed=done, total=total, description=detail, visible=done < total)


class _Lines:
    """A line for each epoch; one for loading or scoring now and then if it takes long."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Epoch):
            say(epoch_line(event))
            self._said_at = time.monotonic()
        elif time.monotonic() - self._said_at > QUIET_SECONDS and (line := _now_and_then(event)):
            say(line)
            self._said_at = time.monotonic()


def _now_and_then(event: Event) -> str | None:
    match event:
        case Loading(path, done, total):
            return f"reading {path.name}: {done / max(total, 1):.0%}"
        case Scoring(done, total):
            return f"scoring: {done:,} of {total:,}"
        case Step(number, n_epochs, done, total, lr) if done:
            return f"{_counted(number, n_epochs)}  lr {lr:.1e}  {done / total:.0%}"
    return None


def _counted(number: int, n_epochs: int) -> str:
    return f"epoch {number:>{len(str(n_epochs))}}/{n_epochs}"


def _speed(ratings_per_second: float) -> str:
    """A speed in a width of 15."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if ratings_per_second >= unit:
            return f"{ratings_per_second / unit:>4.3g}{name} ratings/s"
    return f"{ratings_per_second:>5.0f} ratings/s"


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
