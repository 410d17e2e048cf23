"""A command as one of several ranks that torchrun has started: the first one alone talks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from recsys import api
from recsys.core.errors import RecsysError
from recsys.core.launch import launch
from recsys.core.signals import stopping_signals

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator


@contextmanager
def ranks_of_job() -> Iterator[Communicator]:
    """The ranks that run this command together, or this process alone.

    An error of any rank ends all of them with its exit code, and is printed by rank 0.
    """
    started = launch()
    is_silent = started is not None and started.rank > 0
    is_shared = Event()  # rank 0 has the error too

    def leave() -> None:
        _ignore_signals()
        is_shared.set()

    try:
        with api.join_ranks(on_error=leave) as ranks, _silence() if is_silent else nullcontext():
            yield ranks
    except RecsysError as error:
        if is_silent and is_shared.is_set():
            sys.exit(error.exit_code)
        raise


@contextmanager
def _silence() -> Iterator[None]:
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield


def _ignore_signals() -> None:
    """The launcher ends whoever is left when a rank has failed, but each has to end with the code of the error."""
    for number in stopping_signals():
        signal.signal(number, signal.SIG_IGN)
