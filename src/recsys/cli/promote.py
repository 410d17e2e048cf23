"""recsys promote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.default_run import default_reason
from recsys.cli.render import echo, print_json
from recsys.core.errors import UsageError


def promote(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A finished run; left out, the default is shown.")
    ] = None,
    none: Annotated[
        bool, typer.Option("--none", help="Promote no run: the newest finished one is the default.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys promote mine"""
    if none and run is not None:
        raise UsageError("promote takes one run", expected="RUN, or --none", hint="recsys runs lists the runs")
    if run is not None:
        api.promote(run)
    elif none:
        api.promote_none()
    promoted = api.promoted_run()
    default = None if none else api.default_run()
    if as_json:
        print_json({name: path and str(path) for name, path in (("promoted", promoted), ("default", default))})
    elif default is None:
        echo("no run is promoted: the newest finished is the default")
    else:
        echo(f"default run: {default} ({default_reason()})")
