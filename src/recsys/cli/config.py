"""recsys config validate, show and reference."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigArgument, ConfigOption, JsonListOption, JsonOption, needed_config
from recsys.cli.render import echo, paragraph, print_json
from recsys.cli.streams import is_unicode

if TYPE_CHECKING:
    from recsys.config.reference import Entry

app = typer.Typer(no_args_is_help=True, add_completion=False)

Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key.")]


@app.command("validate")
def validate(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: Overrides = None,
    as_json: JsonOption = False,
) -> None:
    """Validate a config without opening any data file.

    Example: recsys config validate config.yaml
    """
    file = needed_config(position, named)
    api.load_config(file, overrides or [])
    if as_json:
        print_json({"valid": True, "file": str(file)})
    else:
        echo(f"{file} is valid")


@app.command("show")
def show(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: Overrides = None,
    as_json: JsonOption = False,
) -> None:
    """Print the complete config: defaults, file and overrides.

    Example: recsys config show config.yaml --set seed=7
    """
    config = api.load_config(needed_config(position, named), overrides or [])
    if as_json:
        print_json(config.model_dump(mode="json", exclude_none=True))
    else:
        echo(api.dump_config(config, ascii_only=not is_unicode(sys.stdout)).removesuffix("\n"))


@app.command("reference")
def reference(as_json: JsonListOption = False) -> None:
    """List every key with its type, default and meaning.

    Example: recsys config reference
    """
    entries = api.config_reference()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        for line in _lines(entry):
            echo(line)


def _lines(entry: Entry) -> list[str]:
    """A key as it stands in a config, what it takes, and what it is for."""
    if entry.type == "a section":
        return ["", f"# {entry.key}: {entry.doc}"]
    default = "(required)" if entry.default is None else entry.default
    owner = f" Only with {entry.owner}." if entry.owner else ""
    return ["", f"{entry.key}: {default}", *paragraph(f"Takes {entry.type}. {entry.doc}{owner}", indent="    ")]
