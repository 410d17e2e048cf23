"""A command as one of several ranks that torchrun has started: the first one alone talks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.core.errors import LostRankError, RecsysError
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
    if started is None or started.rank == 0:
        try:
            with api.join_ranks() as ranks:
                yield ranks
        except RecsysError:
            if started is not None:
                _ignore_signals()
            raise
        return
    is_joined = False
    try:
        with api.join_ranks() as ranks, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            is_joined = True
            with redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield ranks
    except RecsysError as error:
        if not is_joined and isinstance(error, LostRankError):
            raise
        _ignore_signals()
        sys.exit(error.exit_code)


def _ignore_signals() -> None:
    """The launcher ends whoever is left when a rank has failed, but each has to end with the code of the error."""
    for number in stopping_signals():
        signal.signal(number, signal.SIG_IGN)
