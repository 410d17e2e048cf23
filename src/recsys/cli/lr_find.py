"""recsys lr-find."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json
from recsys.cli.threads import leave_cores_to_training

LITTLE = 0.05  # of the first loss


def lr_find(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="What to train, as YAML.")],
    overrides: SetOption = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Draw the curve, as PNG.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys lr-find --config config.yaml --output lr.png"""
    leave_cores_to_training()
    resolved = api.load_config(config, overrides or [])
    with watching() as observe:
        found = api.lr_find(resolved, figure=output, observe=observe)
    if as_json:
        print_json({**found.to_dict(), "output": None if output is None else str(output)})
        return
    typer.echo(f"lr_max {found.steepest:.2g}: there the loss falls fastest")
    typer.echo(f"it is least at {found.minimum:.2g}, and beyond that training diverges")
    if output is not None:
        typer.echo(f"the curve is in {output}")
    if found.fall < LITTLE:
        typer.echo(f"the loss falls by {found.fall:.0%} at most: too few ratings to tell, so better keep the default")
        return
    typer.echo(f"\nNext: recsys train --config {config} --set training.lr_max={found.steepest:.2g}")
