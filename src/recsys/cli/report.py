"""recsys report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json, say
from recsys.core.errors import RunError


def report(
    run: RunOption = None,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The page to write.")] = Path("report.html"),
    as_json: JsonOption = False,
) -> None:
    """Example: recsys report --output report.html"""
    from recsys.artifacts.bundle import open_bundle
    from recsys.core.files import write_text
    from recsys.reporting.page import page
    from recsys.reporting.report import report as content

    _check(output)
    bundle = open_bundle(run)
    with watching():  # Ctrl-C waits until the page is whole
        told = content(bundle)
        write_text(output, page(told))
    size = output.stat().st_size
    if as_json:
        print_json({"output": str(output), "bytes": size, "run": told["run"]["name"], "missing": told["missing"]})
        return
    for reason in dict.fromkeys(told["missing"].values()):
        say(f"note: {reason}")
    typer.echo(f"{output}: {size / 1000:,.0f} kB; open it in a browser")


def _check(output: Path) -> None:
    """Refuses a place where no file can be, before the work."""
    if output.is_dir():
        what, hint = "this is a folder", f"name the file: --output {output / 'report.html'}"
    elif not output.parent.is_dir():
        what = f"{output.parent} is a file" if output.parent.exists() else f"there is no folder {output.parent}"
        hint = "make the folder, or choose another"
    else:
        return
    raise RunError(what, where=str(output), expected="a file to write, in a folder that is there", hint=hint)
