"""recsys export-factors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import echo, print_json


class Format(StrEnum):
    """Formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    NPZ = "npz"
    SAFETENSORS = "safetensors"


def export_factors(
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="A new folder.")],
    run: RunOption = None,
    form: Annotated[Format, typer.Option("--format", help="The file format.")] = Format.CSV,
    scorer: Annotated[
        str | None,
        typer.Option("--scorer", help="rating or ranking; left out: rating, or what the run has instead."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys export-factors --output factors --format parquet"""
    used = used_run(run)
    with watching():  # Ctrl-C waits until the folder is whole
        files = api.export_factors(used, output, form.value, scorer=scorer)
    if as_json:
        print_json({"files": [str(path) for path in files]})
        return
    for path in files:
        echo(str(path))
    echo(f"{output / 'README.md'} explains how to use them")
