"""Removing old runs: what nightly work leaves behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from recsys.artifacts.directory import METRICS, all_runs, default_run, finished_runs, promoted_run
from recsys.artifacts.leftovers import Leftovers, find_leftovers, remove_leftovers
from recsys.artifacts.lock import locked
from recsys.artifacts.metrics import parent_path, read_metrics
from recsys.artifacts.stored_config import stored_config
from recsys.core.arguments import FLAG, count
from recsys.core.checked import checked
from recsys.core.errors import RecsysError, RunError
from recsys.core.files import remove_folder


@dataclass(frozen=True)
class Pruned:
    """Runs that are gone, or would be, and older ones that stay, each with the reason.

    Attributes:
        leftovers: of killed commands, gone as well.
        children: of runs that are gone, the names of those that stay and were made from them. They need nothing of it.
    """

    removed: list[Path]
    kept: dict[Path, str]
    children: dict[Path, list[str]]
    leftovers: Leftovers


@checked(n=count(), dry_run=FLAG)
def prune(n: int, *, dry_run: bool = False) -> Pruned:
    """Removes the finished runs but the n newest, and the default one; and what killed commands have left.

    Unfinished runs stay, and so do those that an unfinished one starts from, or that another process holds.

    Args:
        n: at least 1.
        dry_run: say what would be removed, and remove nothing.
    Raises:
        RunError: the promoted run is gone, or a run cannot be removed.
    """
    removed, kept = [], {}
    old = finished_runs()[:-n]
    parents = _parents()
    why_default = "it is promoted" if promoted_run() is not None else "it is the default run"
    needed = {
        why_default: {default_run().resolve()} if old else set(),
        "an unfinished run needs it": {parent for run, parent in parents.items() if not (run / METRICS).exists()},
    }
    for path in old:
        why = next((why for why, paths in needed.items() if path.resolve() in paths), None)
        why = why or _remove(path, dry_run=dry_run)
        if why is None:
            removed.append(path)
        else:
            kept[path] = why
    children = {
        path: [run.name for run, parent in parents.items() if parent == path.resolve() and run not in removed]
        for path in removed
    }
    left = find_leftovers() if dry_run else remove_leftovers()
    return Pruned(removed, kept, {path: names for path, names in children.items() if names}, left)


def _remove(path: Path, *, dry_run: bool) -> str | None:
    """Removes a run that no process holds; what keeps it, if something does."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path))
        except RunError as error:
            return error.what
        if not dry_run:
            remove_folder(path)
    return None


def _parents() -> dict[Path, Path]:
    """Run → the run that it starts from or was made from; none that cannot be read."""
    parents = {}
    for path in all_runs():
        with contextlib.suppress(RecsysError):
            parent = _parent(path)
            if parent is not None:
                parents[path] = parent.resolve()
    return parents


def _parent(run: Path) -> Path | None:
    metrics = read_metrics(run)
    if metrics is not None:
        return parent_path(metrics)
    start = stored_config(run).start
    return None if start is None else start.run
