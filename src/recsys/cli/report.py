"""recsys report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import json_line, say, teller


def report(
    run: RunOption = None,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The HTML file to write.")] = Path(
        "report.html"
    ),
    as_json: JsonOption = False,
) -> None:
    """Example: recsys report --output report.html"""
    used = used_run(run)
    with watching():  # Ctrl-C waits until the page is whole
        written = api.report(used, output)
    tell = teller(output)
    if as_json:
        tell(json_line(written))
        return
    for reason in dict.fromkeys(written["missing"].values()):
        say(f"note: {reason}")
    tell(f"Wrote {output} ({written['bytes'] / 1000:,.0f} kB); open it in a browser")
