"""Ctrl-C, SIGTERM and SIGHUP: at once while a command gets ready, between two events while it works."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from recsys.cli.render import print_error
from recsys.core.errors import HangupError, StoppedError, TerminatedError
from recsys.core.events import Event, Observer
from recsys.core.signals import stopping_signals

RANK_SECONDS = 20  # torchrun kills after 30
# With the cursor, since a second Ctrl-C gives the display no time to bring it back.
CLEAN_LINE = b"\r\x1b[2K\x1b[?25h"
ON_SECOND = {signal.SIGINT: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}
HOW_TO_QUIT: dict[int, bytes] = {
    signal.SIGINT: b"; press Ctrl-C again to quit immediately",
    signal.SIGTERM: b"; a second SIGTERM ends it immediately",
}


@contextmanager
def stopping_between_events(observe: Observer) -> Iterator[Observer]:
    """Within this, the signals only set a flag; the observer raises at the next event.

    So no write is ever cut: events come between them. A second Ctrl-C or SIGTERM ends the process at once. A second
    SIGHUP does nothing: a terminal that is closed may send one, and its shell another.
    """
    received: list[int] = []
    signals = stopping_signals()

    def set_flag(number: int, _: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, ON_SECOND.get(each, signal.SIG_IGN))
        received.append(number)
        with contextlib.suppress(OSError):  # not through sys.stderr, which this may have interrupted
            os.write(2, CLEAN_LINE * os.isatty(2) + b"stopping" + HOW_TO_QUIT.get(number, b"") + b"\n")

    def check_stop(event: Event) -> None:
        if received:
            raise _stopped(received[0])
        observe(event)

    before = {number: signal.signal(number, set_flag) for number in signals}
    try:
        yield check_stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def left_to_first_rank() -> Iterator[None]:
    """Within this, a signal is one that rank 0 has got too: it says when to stop, but for a while only."""
    signals = stopping_signals()

    def wait(_number: int, _: FrameType | None) -> None:
        signal.alarm(RANK_SECONDS)  # which ends the process

    before = {number: signal.signal(number, wait) for number in signals}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once(*, as_json: bool) -> None:
    """From now on, the signals end the process.

    They do not raise: an exception inside the import of a compiled library would abort the process with a dump.
    """

    def end(number: int, _: FrameType | None) -> None:
        error = _stopped(number)
        with contextlib.suppress(RuntimeError):  # this interrupted a write to stderr
            print_error(error, as_json=as_json)
        os._exit(error.exit_code)

    for number in stopping_signals():
        signal.signal(number, end)


def _stopped(number: int) -> StoppedError:
    if number == signal.SIGINT:
        return StoppedError("interrupted")
    return TerminatedError("terminated") if number == signal.SIGTERM else HangupError("hung up")
