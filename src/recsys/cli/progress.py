"""What a person sees while a command works: a live display on a terminal, plain lines in a pipe."""

from __future__ import annotations

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
        signal.signal(number, signal.SIG_DFL)
        asked.append(number)

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
    """An epoch in a line."""
    valid = f"  valid rmse {epoch.valid.rmse:.4f}" if epoch.valid else ""
    return (
        f"epoch {epoch.number:>{len(str(epoch.n_epochs))}}/{epoch.n_epochs}  train rmse {epoch.train_rmse:.4f}{valid}"
        f"  {epoch.ratings_per_second:,.0f} ratings/s  lr {epoch.lr:.2e}"
    )


class _Live:
    """Bars on a terminal: one for loading, one for training, and a line for each epoch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)
        self._job = ""
        self._last = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Loading(path, done, total):
                self._show(f"reading {path.name}", done, total, f"{done / 1e6:,.0f} MB")
            case Scoring(done, total):
                self._show("scoring", done, total, f"{done:,} of {total:,}")
            case Step(number, n_epochs, done, total, lr):
                job = f"epoch {number}/{n_epochs}"
                seen = (number - 1) * total + done
                self._show("training", seen, n_epochs * total, f"{job}  lr {lr:.1e}  {self._last}")
            case Epoch():
                self._last = f"train {event.train_rmse:.4f}"
                if event.valid:
                    self._last += f"  valid {event.valid.rmse:.4f}"
                self._progress.console.print(epoch_line(event))

    def _show(self, job: str, done: int, total: int, detail: str) -> None:
        if job != self._job:
            self._progress.remove_task(self._task)
            self._task = self._progress.add_task(job, total=total)
            self._job = job
        self._progress.update(self._task, completed=done, description=f"{job}  {detail}", visible=done < total)


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
        case Step(number, n_epochs, done, total, lr):
            return f"epoch {number}/{n_epochs}: {done / total:.0%}, lr {lr:.2e}"
    return None


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
