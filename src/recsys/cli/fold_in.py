"""recsys fold-in."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.arguments import JsonOption, RunDirOption, RunOption
from recsys.cli.progress import watching
from recsys.cli.render import note_outside_scale, print_json

if TYPE_CHECKING:
    from recsys.artifacts.bundle import Bundle


def fold_in(
    ratings: Annotated[
        Path, typer.Option("--ratings", metavar="FILE", help="Ratings of new users, or of new items by known users.")
    ],
    run: RunOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys fold-in --ratings new-users.csv"""
    # Each of many small systems is solved by one thread; those of the library would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from recsys.artifacts.bundle import locate, open_bundle
    from recsys.workflows.fold_in_run import fold_in_run

    parent = locate(run)
    folder = run_dir if run_dir is not None else _folder(parent)
    with watching() as observe:
        metrics = fold_in_run(parent, ratings, folder, observe)
    said = metrics["parent"]
    bundle = open_bundle(folder)
    note_outside_scale(said["n_outside_scale"], said["n_ratings"], bundle.verified.facts["scale"])
    if as_json:
        print_json({**metrics, "run_dir": str(folder)})
    else:
        _tell(said, folder, _next_command(folder, bundle, parent))


def _folder(serving: Path) -> Path:
    """A new folder with the name of the parent, but for its time."""
    from recsys.artifacts.directory import config_name, new_run_folder

    return new_run_folder(config_name(serving.absolute().parent))


def _tell(said: dict[str, Any], folder: Path, next_command: str) -> None:
    counts = ((said["n_new_users"], "new user"), (said["n_new_items"], "new item"))
    what = " and ".join(f"{n:,} {name}{'s' if n > 1 else ''}" for n, name in counts if n)
    lines = [
        f"{what} folded in from {said['n_ratings']:,} ratings",
        f"run: {folder}",
        "The rest of the model is that of its parent, and so are its scores.",
        "",
        "Next:",
        f"  {next_command}",
    ]
    typer.echo("\n".join(lines))


def _next_command(folder: Path, bundle: Bundle, parent: Path) -> str:
    """Recommends for the first new user, or shows the runs where only items are new."""
    from recsys.artifacts.bundle import open_bundle
    from recsys.artifacts.directory import is_default

    known = set(open_bundle(parent).users.ids.tolist())
    new = next((str(one) for one in bundle.users.ids.tolist() if one not in known), None)
    if new is None:
        return "recsys runs"
    run = [] if is_default(folder) else ["--run", str(folder)]
    return shlex.join(["recsys", "recommend", *run, *(["--"] if new.startswith("--") else []), new])
