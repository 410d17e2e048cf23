"""What a run, a checkpoint or a serving folder holds, for people."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal, TypedDict, cast

from recsys.artifacts import history
from recsys.artifacts.checkpoint import STATE_JSON, checkpoints, epochs_of, newest_checkpoint, open_checkpoint
from recsys.artifacts.directory import (
    CHECKPOINTS,
    CONFIG,
    HISTORY,
    MEASURED,
    METRICS,
    SERVING,
    SERVING_JSON,
    all_runs,
    finished_runs,
    is_default,
    no_such_run,
)
from recsys.artifacts.manifest import BundleManifest, M, damaged
from recsys.artifacts.metrics import RunMetrics, closing_files, parent_name, read_metrics
from recsys.artifacts.recorded import check_recorded
from recsys.artifacts.standing import BetterRun, better_runs
from recsys.artifacts.store import STORE_JSON, StoreManifest
from recsys.artifacts.verified import VerifiedFolder, open_verified
from recsys.artifacts.verify import verify_folder, verify_run
from recsys.core.errors import DamagedError, RunError
from recsys.core.types import Json

Status = Literal["finished", "unfinished", "damaged", "unreadable"]


class RunOverview(TypedDict):
    """A run in a line.

    Attributes:
        status: damaged, if a file is not as it was written; unreadable, if it is of another version's format.
        epochs: that are done.
        default: whether it is served when none is named.
        parent: the name of the run that it was made from.
        metrics: None unless it is finished.
    """

    path: str
    status: Status
    epochs: int
    default: bool
    parent: str | None
    metrics: RunMetrics | None


class ListedRun(RunOverview):
    """A run in a line, beside others.

    Attributes:
        better: for each objective, the best of the runs that were finished before and are better on the same test
            interactions.
    """

    better: list[BetterRun]


def overviews() -> list[ListedRun]:
    """All runs under the root, oldest first."""
    lines: dict[Path, ListedRun] = {path: {**overview(path), "better": []} for path in all_runs()}
    earlier: dict[Path, RunMetrics] = {}
    for path in finished_runs():
        metrics = lines[path]["metrics"]
        if metrics is not None:
            lines[path]["better"] = better_runs(metrics, earlier)
            earlier[path] = metrics
    return list(lines.values())


def better_than(run: Path) -> list[BetterRun]:
    """For each objective, the best of the runs that were finished before this one and are better on the same test.

    Raises:
        RunError: its metrics cannot be read.
    """
    metrics = read_metrics(run)
    if metrics is None:
        return []
    finished_at = (run / METRICS).stat().st_mtime_ns
    earlier = {}
    for other in finished_runs():
        if (other / METRICS).stat().st_mtime_ns < finished_at:
            with contextlib.suppress(RunError):
                earlier[other] = read_metrics(other)
    return better_runs(metrics, {path: other for path, other in earlier.items() if other is not None})


def overview(run: Path) -> RunOverview:
    """A run in a line, as a list of runs shows it, on its own."""
    is_finished = (run / METRICS).exists()
    try:
        metrics, epochs = read_metrics(run), len(history.read(run))
        if metrics is None:
            _check_history(run, epochs)
    except RunError as error:
        metrics, epochs = None, 0
        status: Status = "damaged" if isinstance(error, DamagedError) else "unreadable"
    else:
        status = "finished" if is_finished else "unfinished"
    return {
        "path": str(run),
        "status": status,
        "epochs": epochs,
        "default": is_finished and is_default(run),
        "parent": None if metrics is None else parent_name(metrics),
        "metrics": metrics,
    }


def _check_history(run: Path, n_lines: int) -> None:
    """Raises DamagedError if the newest checkpoint counts more epochs than the history of an unfinished run."""
    newest = newest_checkpoint(run / CHECKPOINTS)
    if newest is not None and epochs_of(newest) > n_lines:
        raise damaged(run / HISTORY, f"it has {n_lines:,} lines, and {newest.name} comes after {epochs_of(newest):,}")


def describe(path: Path, *, verify: bool) -> dict[str, Json]:
    """The content of a run, a checkpoint, a serving folder or a prepared store, as json takes it.

    Raises:
        RunError: it is none of these, or is damaged; with `verify` every file's sha256 is checked.
    """
    if not path.exists():
        raise no_such_run(path)
    if (path / STATE_JSON).exists():
        return _described(open_checkpoint(path), verify)
    if (path / SERVING_JSON).exists():
        return _described(open_verified(path, SERVING_JSON, BundleManifest), verify)
    if (path / STORE_JSON).exists():
        return _described(open_verified(path, STORE_JSON, StoreManifest), verify)
    if not (path / CONFIG).exists() or not (path / CHECKPOINTS).exists():
        raise RunError(
            "this is neither a run nor a checkpoint",
            where=str(path),
            expected="a folder of a run, a folder epoch-… below its checkpoints, a serving folder or a prepared store",
            hint="recsys runs lists the runs",
        )
    return _describe_run(path, verify)


def _describe_run(run: Path, verify: bool) -> dict[str, Json]:
    n_verified = verify_run(run) if verify else 0
    read_metrics(run)
    history.read(run)
    check_recorded(run, *(name for name in closing_files(run) if (run / name).exists()))
    newest, kept = newest_checkpoint(run / CHECKPOINTS), checkpoints(run / CHECKPOINTS)
    names: list[Json] = [checkpoint.name for checkpoint in kept]
    answer: dict[str, Json] = {**cast(dict[str, Json], overview(run)), "checkpoints": names, "n_verified": n_verified}
    if newest is not None:
        answer["last"] = _content(open_checkpoint(newest), verified=verify)
    for name in (SERVING, MEASURED):
        if (run / name).exists():
            answer[name] = _content(open_verified(run / name, SERVING_JSON, BundleManifest), verified=verify)
    return answer


def _described(folder: VerifiedFolder[M], verify: bool) -> dict[str, Json]:
    n_verified = verify_folder(folder) if verify else 0
    return {**_content(folder, verified=verify), "n_verified": n_verified}


def _content(folder: VerifiedFolder[M], *, verified: bool) -> dict[str, Json]:
    return {"path": str(folder.path), **folder.manifest.to_dict(), "verified": verified}
