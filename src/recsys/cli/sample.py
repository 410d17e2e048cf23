"""recsys sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.render import echo, print_json
from recsys.core.words import shell_command


def sample(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")] = Path("sample"),
    as_json: JsonOption = False,
) -> None:
    """The ratings are made up: each user likes two of six genres.

    Example: recsys sample
    """
    written = api.sample(folder)
    if as_json:
        print_json(written)
        return
    echo(f"Wrote synthetic ratings:\n  {written['ratings']}\n  {written['items']}\n  {written['config']}")
    echo("Each user likes two of six genres; a title starts with its genre.")
    echo(f"\nNext:\n  {shell_command(['recsys', 'train', '--config', written['config']])}")
