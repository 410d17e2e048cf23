"""Options that several commands share, and the check that typer leaves to us."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from recsys.core.errors import UsageError, nearest
from recsys.core.words import counted, shell_command, shortened

LONGEST_SHOWN = 200  # signs of arguments that are too many

RunOption = Annotated[
    Path | None,
    typer.Option(
        "--run",
        metavar="DIR",
        help="A run or its serving folder. Default: the promoted run, else the newest finished one.",
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key: training.n_epochs=5.")
]
RunDirOption = Annotated[
    Path | None, typer.Option("--run-dir", metavar="DIR", help="The folder to write. Default: a new one under runs/.")
]
ConfigArgument = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="The config, as YAML; also as --config FILE.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The config, as CONFIG.")]
MinRatingsOption = Annotated[
    int, typer.Option("--min-ratings", min=0, metavar="N", help="Only items with at least this many training ratings.")
]
LevelOption = Annotated[
    float | None,
    typer.Option("--interval", metavar="LEVEL", help="Also prediction intervals at this coverage, such as 0.9."),
]


class OnUnknown(StrEnum):
    """What to do about an id without training ratings."""

    ERROR = "error"
    MEAN = "mean"


class By(StrEnum):
    """The scorer that items are ranked, compared or explained by."""

    RANKING = "ranking"
    RATING = "rating"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonListOption = Annotated[bool, typer.Option("--json", help="Print one JSON list, with an object for each.")]
EscapeOption = Annotated[
    bool,
    typer.Option(
        "--escape-formulas",
        help="In a CSV: put ' before texts that a spreadsheet would compute, such as =1+1 (first sign = + - @).",
    ),
]


def either_config(position: Path | None, option: Path | None) -> Path | None:
    """The config that is given in one of two ways, if it is.

    Raises:
        UsageError: it is given in both.
    """
    if position is not None and option is not None:
        raise UsageError(
            f"{position} stands where a config is named, and so does --config {option}", expected="one config"
        )
    return option if position is None else position


def needed_config(position: Path | None, option: Path | None) -> Path:
    """The config that is given in one of two ways.

    Raises:
        UsageError: it is given in none or both.
    """
    config = either_config(position, option)
    if config is None:
        raise UsageError(
            "no config is given",
            expected="CONFIG, or --config FILE",
            hint="recsys init RATINGS.csv writes a config for your file",
        )
    return config


def check_values(command: Any, arguments: list[str]) -> None:
    """Refuses an option of the command in place of another one's value: --no-rating --output new.yaml.

    Raises:
        UsageError: one stands there, before a bare "--".
    """
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    flags = {name for option in options if option.is_flag for name in (*option.opts, *option.secondary_opts)}
    until = arguments.index("--") if "--" in arguments else len(arguments)
    for option, value in pairwise(arguments[:until]):
        if option in names - flags and value in names:
            raise UsageError(
                f"{option} has no value: {value} follows it",
                expected=f"{option} VALUE",
                hint=f"see recsys {command.name} --help",
            )


def refuse_extra(ctx: Any, arguments: list[str]) -> None:
    """Refuses arguments that the command does not take.

    Raises:
        UsageError: there are some.
    """
    if not ctx.args:
        return
    extra = ctx.args
    hint = "a text with blanks stands in quotes; "
    if "--" in arguments:
        hint = "what follows -- are ids, so options come before it; "
    elif any("--run" in parameter.opts for parameter in ctx.command.params):
        hint += "a run is named by --run RUN; "
    raise UsageError(
        f"{counted(len(extra), 'argument')} too many: {shortened(shell_command(extra), LONGEST_SHOWN)}",
        expected=" ".join([ctx.command_path, *ctx.command.collect_usage_pieces(ctx)]),
        hint=f"{hint}see {ctx.command_path} --help",
    )


def check_options(command: Any, arguments: list[str]) -> None:
    """Refuses a mistyped option of a command that takes ids, which may look like options.

    Such commands pass on what they do not know, or `recsys predict -5 31` would fail; but --jsn is no user.

    Raises:
        UsageError: an unknown argument that begins with two dashes, before a bare "--".
    """
    known = [option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)]
    known.append("--help")
    for argument in arguments:
        if argument == "--":
            return
        option = argument.split("=")[0]
        if option.startswith("--") and option not in known:
            near = nearest(option, [name for name in known if name.startswith("--") and name != "--help"])
            hint = f"did you mean {near}? " if near else ""
            raise UsageError(
                f"no such option: {option}",
                expected=f"an option of recsys {command.name}, or an id after a bare --",
                hint=f"{hint}see recsys {command.name} --help",
            )
