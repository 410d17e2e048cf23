"""recsys prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigOption, JsonOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import echo, print_json
from recsys.cli.threads import leave_cores_to_training
from recsys.core.words import counted, shell_command


def prepare(
    output: Annotated[Path, typer.Option("--output", metavar="STORE", help="The folder to write.")],
    ratings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RATINGS", help="Ratings: CSV, Parquet, Arrow or JSON lines; - for stdin."),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    memory: Annotated[str, typer.Option("--memory", metavar="SIZE", help="That it may take, about.")] = "500MB",
    as_json: JsonOption = False,
) -> None:
    """With data.prepared: STORE, a config then trains from the store.

    Example: recsys prepare ratings.csv --output store --set model.embedding_dim=128
    """
    leave_cores_to_training()
    files = ratings[0] if ratings and len(ratings) == 1 else ratings or None
    with watching() as observe:
        store = api.prepare(files, output, config=config, overrides=overrides or [], memory=memory, observe=observe)
    if as_json:
        print_json(store)
        return
    held_out = f"{store['n_valid']:,} valid, {store['n_test']:,} test"
    echo(f"Wrote {output}, {store['n_bytes'] / 1e6:,.1f} MB:")
    users, items = counted(store["n_users"], "user"), counted(store["n_items"], "item")
    echo(f"  {counted(store['n_interactions'], 'training row')} of {users} and {items}, {held_out}")
    order = store["order"]
    if order is not None:
        echo(f"  sorted for sgd of dim {order['dim']}, which reads it block by block")
    else:
        echo("  not sorted by block: training reads all of it into memory")
    command = [
        "recsys",
        "train",
        *(["--config", str(config)] if config else ["CONFIG"]),
        "--set",
        f"data.prepared={output}",
    ]
    echo(f"\nNext:\n  {shell_command(command)}")
