"""Where a new run goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from recsys.artifacts.directory import new_run_folder
from recsys.core.collectives import text_of_first
from recsys.core.communicator import Communicator


@contextmanager
def run_folder(given: Path | None, name: str, ranks: Communicator) -> Iterator[Path]:
    """The folder that is given, or a new one of this name, which the first rank makes."""
    made: AbstractContextManager[Path | None] = nullcontext()
    if given is None and ranks.rank == 0:
        made = new_run_folder(name)
    elif given is not None and ".." in given.parts and not given.parent.exists():
        given = Path(os.path.realpath(given))  # a/../b makes no folder a
    with made as new:
        yield given or Path(text_of_first(str(new), ranks))
