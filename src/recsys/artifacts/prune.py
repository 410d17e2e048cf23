"""Removing old runs: what nightly work leaves behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from recsys.artifacts.directory import CONFIG, METRICS, all_runs, default_run, finished_runs
from recsys.artifacts.lock import locked
from recsys.config.loading.load import load_config
from recsys.core.arguments import checked, count
from recsys.core.errors import RecsysError, RunError
from recsys.core.files import remove_folder


@dataclass(frozen=True)
class Pruned:
    """Runs that are gone, and older ones that are still there, each with the reason."""

    removed: list[Path]
    kept: dict[Path, str]


@checked(n=count())
def prune(n: int) -> Pruned:
    """Removes the finished runs but the n newest and the promoted one.

    Unfinished runs stay, and so do those that an unfinished one starts from, or that another process holds.

    Args:
        n: at least 1.
    Raises:
        RunError: the promoted run is gone, or a run cannot be removed.
    """
    removed, kept = [], {}
    old = finished_runs()[:-n]
    needed = {"it is promoted": {default_run().resolve()} if old else set(), "an unfinished run needs it": _parents()}
    for path in old:
        why = next((why for why, paths in needed.items() if path.resolve() in paths), None) or _remove(path)
        if why is None:
            removed.append(path)
        else:
            kept[path] = why
    return Pruned(removed, kept)


def _remove(path: Path) -> str | None:
    """Removes a run that no process holds; what keeps it, if something does."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path))
        except RunError as error:
            return error.what
        remove_folder(path)
    return None


def _parents() -> set[Path]:
    """The runs that unfinished ones start from."""
    parents = set()
    for path in all_runs():
        if not (path / METRICS).exists():
            with contextlib.suppress(RecsysError):  # one that cannot be read cannot go on
                start = load_config(path / CONFIG).start
                parents |= {start.run.resolve()} if start is not None else set()
    return parents
