"""recsys fold-in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunDirOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import echo, print_json
from recsys.cli.threads import leave_cores_to_training
from recsys.core.errors import UsageError
from recsys.core.words import counted, shell_command, shell_word

if TYPE_CHECKING:
    from recsys.artifacts.bundle import Bundle
    from recsys.artifacts.metrics import FoldInReport


def fold_in(
    ratings: Annotated[
        Path | None,
        typer.Option(
            "--ratings", metavar="FILE", help="Ratings by new users of known items, or of new items by known users."
        ),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items", metavar="FILE", help="Features of new items, with ids and the columns of data.item_features."
        ),
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option(
            "--users", metavar="FILE", help="Features of new users, with ids and the columns of data.user_features."
        ),
    ] = None,
    run: RunOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys fold-in --ratings new-users.csv

    Items that nobody has rated: recsys fold-in --items new-items.csv
    """
    if ratings is None and items is None and users is None:
        raise UsageError("there is nothing to fold in", expected="--ratings FILE, --items FILE or --users FILE")
    leave_cores_to_training()  # small systems, each solved by one thread
    used = used_run(run)
    with watching() as observe:
        metrics = api.fold_in(ratings, used, run_dir, items=items, users=users, observe=observe)
    folded, new = metrics["parent"], api.load(metrics["run_dir"]).with_new
    if as_json:
        print_json(metrics)
    else:
        next_command = _next_command(metrics["run_dir"], new, api.load(folded["path"]).with_new, folded)
        _show(folded, metrics["run_dir"], next_command, "rating" if new.data.has_ratings else "interaction")


def _show(report: FoldInReport, folder: str, next_command: str, row: str) -> None:
    counts = ((report["n_new_users"], "new user"), (report["n_new_items"], "new item"))
    what = " and ".join(counted(n, name) for n, name in counts if n)
    by_features = ((report.get("n_users_from_features"), "new user"), (report.get("n_items_from_features"), "new item"))
    known = " and ".join(counted(n, name) for n, name in by_features if n)
    path = Path(folder)
    promote = [] if api.is_default(path) else [f"  recsys promote {shell_word(api.run_name(path))}"]
    lines = [
        *([f"{what} added from {counted(report['n_ratings'], row)}"] if what else []),
        *([f"{known} without {row}s added from features alone"] if known else []),
        *([] if what or known else ["nobody new is in the files"]),
        f"run: {folder}",
        "All other parameters and the metrics are those of the parent run.",
        "",
        "Next:",
        f"  {next_command}",
        *promote,
    ]
    echo("\n".join(lines))


def _next_command(folder: str, bundle: Bundle, parent: Bundle, report: FoldInReport) -> str:
    """Recommends for the first new user; where only items are new, with these if they are known by features."""
    known = set(parent.users.ids.tolist())
    new = next((str(user) for user in bundle.users.ids.tolist() if user not in known), None)
    include_new = ["--include-new"] if report.get("n_items_from_features") else []
    if new is None and include_new:
        new = str(bundle.users.id_at(0))
    if new is None:
        return "recsys runs"
    run = [] if api.is_default(Path(folder)) else ["--run", api.run_name(Path(folder))]
    return shell_command(["recsys", "recommend", *run, *include_new, *(["--"] if new.startswith("--") else []), new])
