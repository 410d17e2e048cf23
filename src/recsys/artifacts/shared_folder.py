"""Whether all ranks see the folder of a run, into which each of them writes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from recsys.core.collectives import text_of_first
from recsys.core.communicator import Communicator
from recsys.core.errors import UsageError
from recsys.core.files import writing
from recsys.core.temporary import TEMPORARY, temporary_folder
from recsys.core.words import joined

SHARED = "the run's folder, --run-dir, has to be one that all hosts share"
PATIENCE = 90.0  # seconds: a network file system may show a new folder a minute late


def check_shared(folder: Path, communicator: Communicator) -> None:
    """Has rank 0 make a file that the others then look for; all ranks call this.

    Raises:
        UsageError: on every rank, where some do not see it.
        RunError: it cannot be written.
    """
    if communicator.size == 1:
        return
    if communicator.rank:
        is_seen = _appears(folder / text_of_first("", communicator))
        seen = communicator.all_gather(np.array([is_seen]))
    else:
        with writing(folder), temporary_folder(folder.absolute(), f"{TEMPORARY}shared-") as made:
            text_of_first(made.name, communicator)
            seen = communicator.all_gather(np.array([True]))
    blind = [str(rank) for rank, is_seen in enumerate(seen) if not is_seen[0]]
    if blind:
        raise UsageError(
            f"{'rank' if len(blind) == 1 else 'ranks'} {joined(blind, 'and')} of {communicator.size} cannot see the"
            " run's folder that rank 0 has made",
            where=str(folder),
            expected="one folder for all ranks, into which each writes its part",
            hint=SHARED,
        )


def _appears(path: Path) -> bool:
    until = time.monotonic() + PATIENCE
    while not path.is_dir():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
