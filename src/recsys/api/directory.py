"""The runs under runs/ (or $RECSYS_RUNS)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsys.api.paths import PathLike
from recsys.artifacts import directory, overview


def runs() -> list[dict[str, Any]]:
    """The runs, oldest first.

    Returns:
        For each: path, status ("finished" or "unfinished"), epochs, default (whether it is the one that is used when
        none is named), parent (the name of the run that it was made from, or None) and metrics (None: unfinished).
    Raises:
        RunError: a run is damaged.
    """
    return [overview.overview(path) for path in directory.all_runs()]


def inspect(path: PathLike, *, verify: bool = False) -> dict[str, Any]:
    """What a run, a checkpoint or a serving folder holds.

    Args:
        verify: compare every file with its sha256.
    Returns:
        Of a run, what `runs` has, its checkpoints, and what the last of them and the serving folder hold; of those,
        path, facts, files with sizes and checksums, and verified.
    Raises:
        RunError: it is none of these, or is damaged.
    """
    return overview.describe(Path(path), verify=verify)


def promote(run: PathLike) -> None:
    """Makes a finished run the default one, used when none is named.

    Raises:
        RunError: it is not there or not finished.
    """
    directory.promote(Path(run))
