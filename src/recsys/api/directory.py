"""The runs under runs/ (or $RECSYS_RUNS)."""

from __future__ import annotations

from pathlib import Path

from recsys.api.paths import PathLike
from recsys.artifacts import directory, overview
from recsys.artifacts.overview import RunOverview
from recsys.core.arguments import FLAG, PATH, checked
from recsys.core.types import Json


def runs() -> list[RunOverview]:
    """The runs, oldest first.

    Returns:
        Of each, path, status, epochs, default (whether it is used when none is named), parent (the name of the run that
        it was made from, or None) and metrics (None: unfinished, or not readable).
    """
    return [overview.overview(path) for path in directory.all_runs()]


@checked(path=PATH, verify=FLAG)
def inspect(path: PathLike, *, verify: bool = False) -> dict[str, Json]:
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


@checked(run=PATH)
def promote(run: PathLike) -> None:
    """Makes a finished run the default one, used when none is named.

    Raises:
        RunError: it is not there or not finished.
    """
    directory.promote(Path(run))
