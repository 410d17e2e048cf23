"""recsys promote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.render import print_json
from recsys.core.errors import UsageError


def promote(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A finished run.")] = None,
    none: Annotated[
        bool, typer.Option("--none", help="Promote no run: the newest finished one is the default.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys promote runs/movielens-small-20261124T215500Z"""
    if none == (run is not None):
        raise UsageError("promote takes one run", expected="RUN, or --none", hint="recsys runs lists the runs")
    if run is not None:
        api.promote(run)
    else:
        api.promote_none()
    if as_json:
        print_json({"promoted": None if run is None else str(run)})
    elif run is not None:
        typer.echo(f"default run: {run}")
    else:
        typer.echo("default run: the newest finished one")
