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
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The config, as YAML.")],
    overrides: SetOption = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Plot the curve, as PNG.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys lr-find --config config.yaml --output lr.png"""
    leave_cores_to_training()
    resolved = api.load_config(config, overrides or [])
    with watching() as observe:
        curve = api.lr_find(resolved, figure=output, observe=observe)
    if as_json:
        print_json({**curve.to_dict(), "output": None if output is None else str(output)})
        return
    typer.echo(f"lr_max {curve.steepest:.2g}: steepest descent of the loss")
    typer.echo(f"minimum at {curve.minimum:.2g}; training diverges beyond it")
    if output is not None:
        typer.echo(f"plot: {output}")
    if curve.fall < LITTLE:
        typer.echo(
            f"the loss falls by at most {curve.fall:.0%}: too few ratings for a reliable suggestion; keep the default"
        )
        return
    typer.echo(f"\nNext: recsys train --config {config} --set training.lr_max={curve.steepest:.2g}")
