"""The runs under runs/ (or $RECSYS_RUNS)."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.api.paths import PathLike, as_run
from recsys.artifacts import directory, overview
from recsys.artifacts.directory import CONFIG
from recsys.artifacts.overview import ListedRun
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.standing import BetterRun
from recsys.config.schema.config import Config
from recsys.core.arguments import FLAG, PATH, TEXTS
from recsys.core.checked import checked
from recsys.core.errors import RunError
from recsys.core.types import Json


def runs() -> list[ListedRun]:
    """The runs, oldest first.

    Returns:
        Of each, path, status, epochs, default (whether it is used when none is named), parent (the name of the run that
        it was made from, or None), metrics (None: unfinished, or not readable) and better (for each objective, the best
        earlier run that is better on the same test interactions).
    """
    return overview.overviews()


@checked(run=PATH)
def better_runs(run: PathLike) -> list[BetterRun]:
    """Of the runs that were finished before this one and are better on the same test interactions, the best.

    Returns:
        One for each objective: run, objective, metric, and its value of that run and of this one (`own`).
    Raises:
        RunError: the run is damaged.
    """
    return overview.better_than(as_run(run))


@checked(run_dir=PATH, overrides=TEXTS)
def run_config(run_dir: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config that a run was started with, finished or not; `train` resumes the run with it.

    Args:
        overrides: as of `load_config`.
    Raises:
        RunError: there is no run in this folder, or its config.yaml was changed after the start.
        ConfigError: an override is wrong.
    """
    path = as_run(run_dir) / CONFIG
    if not path.exists():
        raise RunError(
            "there is no run in this folder",
            where=str(run_dir),
            expected=f"a run, with its {CONFIG}",
            hint="recsys runs lists the runs; --config FILE starts a new one",
        )
    return read_run_config(path.parent, overrides)


@checked(path=PATH, verify=FLAG)
def inspect(path: PathLike, *, verify: bool = False) -> dict[str, Json]:
    """What a run, a checkpoint, a serving folder or a prepared store holds.

    Args:
        verify: compare every file with its sha256.
    Returns:
        Of a run, what `runs` has, its checkpoints, and what the last of them and the serving folder hold; of those,
        path, facts, files with sizes and checksums, and verified.
    Raises:
        RunError: it is none of these, or is damaged.
    """
    return overview.describe(as_run(path), verify=verify)


@checked(run=PATH)
def promote(run: PathLike) -> None:
    """Makes a finished run the default one, used when none is named.

    Raises:
        RunError: it is not there or not finished.
    """
    directory.promote(as_run(run))
