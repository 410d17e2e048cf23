"""Where runs lie, and which one is meant."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from recsys.core.arguments import PATH
from recsys.core.checked import checked
from recsys.core.errors import RunError, nearest
from recsys.core.files import parents_of, write_text, writing
from recsys.core.regular import read_regular
from recsys.core.temporary import TEMPORARY, held
from recsys.core.words import shell_command, shell_word

METRICS, CONFIG, HISTORY = "metrics.json", "config.yaml", "history.jsonl"
CHECKPOINTS, SERVING = "checkpoints", "serving"
MEASURED = "measured"  # beside the serving folder of a refit: that of the models that were measured
SERVING_JSON = "serving.json"
MOST_BYTES = 1 << 24  # of a small file
DATED = re.compile(r"-\d{8}T\d{6}Z(-\d+)?$")  # what the name of a run that is given none ends with
PROMOTED = "promoted"  # a one-line text file in the root: the run that is served by default


def runs_root() -> Path:
    """The folder of all runs: the environment variable RECSYS_RUNS, else ./runs."""
    return Path(os.environ.get("RECSYS_RUNS") or "runs")


@contextlib.contextmanager
def new_run_folder(name: str) -> Iterator[Path]:
    """A folder for a run of the config `name`, named after the time in UTC, that no other process gets.

    It is made at once, and gone afterwards if nothing was written into it.

    Raises:
        RunError: it cannot be made.
    """
    name = f"{name}-{datetime.now(UTC).strftime('%Y%m%dT%H%M%SZ')}"
    folder = runs_root() / name
    with parents_of(folder):
        for suffix in itertools.count(2):
            with writing(folder):
                try:
                    folder.mkdir()
                    break
                except FileExistsError:
                    folder = runs_root() / f"{name}-{suffix}"
        try:
            with held(folder):
                yield folder
        finally:
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()


def find_run(path: Path) -> Path:
    """The folder that a path or the bare name of a run means; `~` is the home directory.

    A bare name is that of a run under the root, unless a run of this name lies in the working directory. Below a run,
    such as "mine/serving", a path that is not there is one below the root too.
    """
    path = Path(os.path.expanduser(path))  # noqa: PTH111 - leaves ~nobody as it is
    named = runs_root() / path
    is_bare = str(path) == path.name
    is_here = _holds_run(path) if is_bare else path.exists()
    return named if named.is_dir() and not is_here else path


def _holds_run(folder: Path) -> bool:
    is_run = (folder / CONFIG).exists() and (folder / CHECKPOINTS).exists()
    return is_run or any((place / SERVING_JSON).exists() for place in (folder, folder / SERVING))


@checked(run=PATH)
def run_name(run: Path) -> str:
    """What a run can be called on the command line: its bare name where that means it, else its path."""
    run = Path(run)
    if not run.name:  # "."
        return str(run)
    by_name = find_run(Path(run.name))
    return run.name if by_name.exists() and run.exists() and by_name.samefile(run) else str(run)


def no_such_run(path: Path) -> RunError:
    """The error for a run that is not there."""
    near = nearest(path.name, [run.name for run in all_runs()])
    hint = f"did you mean {near}? " if near else ""
    return RunError(
        "there is no such run",
        where=str(path),
        expected=f"a run folder, its serving folder, or the name of a run under {runs_root()}",
        hint=f"{hint}recsys runs lists the runs",
    )


def locate(path: Path | None) -> Path:
    """The serving folder that is meant."""
    path = default_run() if path is None else path
    for folder in (path / SERVING, path):
        if (folder / SERVING_JSON).exists():
            return folder
    if not path.exists():
        raise no_such_run(path)
    if (path / CONFIG).exists() and (path / METRICS).exists():
        raise RunError(
            f"{SERVING_JSON} is missing from the finished run",
            where=str(path / SERVING / SERVING_JSON),
            expected="the folder as it was written",
            hint="copy the whole folder again from where it was written, or train again",
        )
    raise RunError(
        "this is not a finished run",
        where=str(path),
        expected="a run folder, or its serving folder",
        hint=f"resume it: recsys train --resume --run-dir {shell_word(str(path))}"
        if (path / CONFIG).exists()
        else "recsys runs lists the runs",
    )


def run_of(serving: Path) -> Path:
    """The run that a serving folder lies in; a copy of the folder stands for itself."""
    names = {SERVING, MEASURED}
    folder = serving if serving.name in names else serving.resolve()  # it may be "."
    return folder.parent if folder.name in names else serving


def config_name(run: Path) -> str:
    """The name of the config that a run was made from: that of its folder, without the time."""
    return DATED.sub("", run.resolve().name)


def all_runs() -> list[Path]:
    """Every run under the root, oldest first by its config."""
    runs = [path.parent for path in runs_root().glob(f"*/{CONFIG}") if not path.parent.name.startswith(TEMPORARY)]
    return sorted(runs, key=lambda path: ((path / CONFIG).stat().st_mtime_ns, path.name))


def finished_runs() -> list[Path]:
    """The runs that came to their end, oldest first by when they did."""
    runs = [path for path in all_runs() if (path / METRICS).exists()]
    return sorted(runs, key=lambda path: ((path / METRICS).stat().st_mtime_ns, path.name))


def default_run() -> Path:
    """The run that is served when none is named: the promoted one, else the newest that was trained to its end.

    One that was made by fold-in is that only when it is promoted, or there is no other.

    Raises:
        RunError: the promoted run is gone, or there is no finished run.
    """
    promoted = promoted_run()
    if promoted is not None:
        if not (promoted / METRICS).exists():
            raise RunError(
                "the promoted run is not there",
                where=str(promoted),
                expected=f"the finished run that {runs_root() / PROMOTED} names",
                hint="promote another, or none: recsys promote --none",
            )
        return promoted
    newest = _newest_finished()
    if newest is None:
        raise _no_finished_run()
    return newest


def _no_finished_run() -> RunError:
    hint = "train one: recsys init RATINGS.csv; without ratings: recsys sample"
    if unfinished := all_runs():
        hint = f"resume the newest: {shell_command(['recsys', 'train', '--resume', '--run-dir', str(unfinished[-1])])}"
    return RunError(
        "there is no finished run",
        where=str(runs_root()),
        expected="a run under this folder, or one named by --run",
        hint=hint,
    )


@checked(run=PATH)
def is_default(run: Path) -> bool:
    """Whether a run is the one that is served when none is named."""
    served = promoted_run() or _newest_finished()
    return served is not None and served.exists() and Path(run).exists() and served.samefile(run)


def _newest_finished() -> Path | None:
    """The newest finished run, before all that were made by fold-in."""
    newest_first = finished_runs()[::-1]
    return next((run for run in newest_first if not _is_folded_in(run)), newest_first[0] if newest_first else None)


def _is_folded_in(run: Path) -> bool:
    """Whether a finished run was made without training; one that cannot be read counts as trained, and will say so."""
    try:
        metrics = json.loads(read_regular(run / METRICS, MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(metrics, dict) and "parent" in metrics


def promoted_run() -> Path | None:
    """The run that `promote` named, whether it is there or not; None if it named none."""
    try:
        text = read_regular(runs_root() / PROMOTED, MOST_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(
            f"cannot read: {error.strerror or error}",
            where=str(runs_root() / PROMOTED),
            expected="a file with the name of a run",
            hint="promote a run, or none: recsys promote --none",
        ) from error
    return runs_root() / text.strip()


def promote(run: Path) -> None:
    """Makes a run the one that is served by default.

    Raises:
        RunError: it is not there or not finished.
    """
    if not (run / METRICS).exists():
        if not run.exists():
            raise no_such_run(run)
        raise RunError(
            "this is not a finished run", where=str(run), expected="a finished run", hint="recsys runs lists the runs"
        )
    root = runs_root().resolve()
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
    path = run.resolve()
    write_text(root / PROMOTED, f"{path.relative_to(root) if path.is_relative_to(root) else path}\n")


def promote_none() -> None:
    """Takes `promote` back: the newest finished run is served again."""
    (runs_root() / PROMOTED).unlink(missing_ok=True)
