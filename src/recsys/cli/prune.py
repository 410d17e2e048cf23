"""recsys runs --prune and --clean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from recsys import api
from recsys.cli.render import echo, print_json, say
from recsys.core.errors import UsageError
from recsys.core.words import counted, joined

if TYPE_CHECKING:
    from recsys.artifacts.leftovers import Leftovers
    from recsys.artifacts.prune import Pruned

LEAST_BYTES = 50_000  # that are worth a figure in MB
TO_REMOVE = "to remove:"


def prune_runs(n: int, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Removes old runs; without `yes`, once a person at a terminal has seen which and agreed."""
    if yes or dry_run:
        _show(api.prune(n, dry_run=dry_run), TO_REMOVE if dry_run else "removed", as_json=as_json)
        return
    if as_json:
        raise UsageError("--prune asks before it removes anything", expected="--yes or --dry-run with --json")
    plan = api.prune(n, dry_run=True)
    _show(plan, TO_REMOVE, as_json=False)
    if not plan.removed and not plan.leftovers.paths:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was removed: nobody can be asked here", expected="--yes, or a terminal")
    try:
        agreed = typer.confirm(
            f"Remove {counted(len(plan.removed), 'run')}?" if plan.removed else "Remove them?", err=True
        )
    except typer.Abort:  # the end of the input is no yes
        agreed = False
    if agreed:
        _show(api.prune(n), "removed", as_json=False)


def clean_up(*, dry_run: bool, as_json: bool) -> None:
    """Removes what killed commands have left."""
    left = api.find_leftovers() if dry_run else api.remove_leftovers()
    if as_json:
        print_json({"leftovers": [str(path) for path in left.paths], "bytes": left.n_bytes})
        return
    for path in left.paths if dry_run else []:
        echo(f"{TO_REMOVE} {path}")
    echo(f"{TO_REMOVE if dry_run else 'removed'} {_leftovers(left)}" if left.paths else "nothing to remove")


def show_leftovers(*, as_json: bool) -> None:
    """A line on what killed commands have left, and how it goes; on stderr, where stdout is JSON."""
    found = api.find_leftovers()
    if found.paths:
        removes = f"recsys runs --clean removes {'it' if len(found.paths) == 1 else 'them'}"
        (say if as_json else echo)(f"{_leftovers(found)}: {removes}")


def _leftovers(found: Leftovers) -> str:
    size = f", {found.n_bytes / 1e6:,.1f} MB" if found.n_bytes >= LEAST_BYTES else ""
    return f"{counted(len(found.paths), 'leftover')} of stopped commands{size}"


def _show(pruned: Pruned, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "removed": [str(path) for path in pruned.removed],
                "kept": {str(path): why for path, why in pruned.kept.items()},
                "children": {str(path): names for path, names in pruned.children.items()},
                "leftovers": [str(path) for path in pruned.leftovers.paths],
            }
        )
        return
    for path in pruned.removed:
        echo(f"{done} {path}{_children(pruned, path)}")
    for path, why in pruned.kept.items():
        echo(f"kept {path}: {why}")
    if pruned.leftovers.paths:
        echo(f"{done} {_leftovers(pruned.leftovers)}")
    elif not pruned.removed:
        echo("nothing to remove")


def _children(pruned: Pruned, path: Path) -> str:
    """The kept runs that were made from one that goes: they do not need it."""
    names = pruned.children.get(path, [])
    return f" (parent of {joined(names, 'and')}, which is whole without it)" if names else ""
