"""The command line, and how each command ends."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from typing import Any, NoReturn

import typer

from recsys.cli.lazy import LazyGroup
from recsys.cli.render import echo, print_error
from recsys.cli.signals import end_at_once
from recsys.cli.streams import discard, prepare_streams, write_to_stdout
from recsys.core.errors import RecsysError, RunError, UsageError, packages_for_training
from recsys.core.memory import memory_error
from recsys.version import __version__

GC_OBJECTS = 100_000  # what imports create stays: looking through it for garbage takes a tenth of their time

app = typer.Typer(
    name="recsys",
    cls=LazyGroup,
    help="Trains a recommender from a ratings file, and serves predictions and recommendations.",
    epilog="Get started: recsys init RATINGS.csv, then recsys train config.yaml; without ratings: recsys sample",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        echo(__version__)
        raise typer.Exit


def main() -> None:
    """The process of one command."""
    gc.set_threshold(GC_OBJECTS, 20, 50)
    try:
        answer(sys.argv[1:])
    finally:
        gc.freeze()  # else all that was imported is looked through once more on the way out, for a sixth of a second


def answer(arguments: list[str]) -> NoReturn:
    """Runs one command and exits with its code."""
    # Before torch is imported: its threads would spin while they wait, and steal the core that works.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    prepare_streams()
    end_at_once(as_json=_asks_for_json(arguments))
    try:
        code = _run(arguments)
        write_to_stdout("")
    except RecsysError as error:
        print_error(error, as_json=_asks_for_json(arguments))
        code = error.exit_code
    except BrokenPipeError:  # whoever read our output has seen enough
        discard(sys.stdout)
        code = 0
    except Exception as error:
        traceback.print_exc()
        print_error(_bug(error), as_json=_asks_for_json(arguments))
        code = RecsysError.exit_code
    sys.exit(code)


def _bug(error: Exception) -> RecsysError:
    return RecsysError(
        f"this is a bug in recsys: {type(error).__name__}: {error}",
        hint="please report it, with the lines above and the command",
    )


def _run(arguments: list[str]) -> int:
    """The command's exit code; every way in which it fails as a RecsysError."""
    command = typer.main.get_command(app)
    try:
        with packages_for_training():
            return int(command.main(arguments, prog_name="recsys", standalone_mode=False) or 0)
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # typer makes that a 1
            raise leaving.__context__ from None
        raise
    except (RecsysError, BrokenPipeError):
        raise
    except Exception as error:
        if (of_memory := memory_error(error)) is not None:
            raise of_memory from error
        if isinstance(error, OSError):
            raise RunError(f"{error.strerror or error}", where=error.filename and str(error.filename)) from error
        # Typer has its own copy of click in some versions: its errors are known by what they can do.
        if not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":  # the help has been shown
            return UsageError.exit_code
        raise _usage_error(error, arguments) from error


def _usage_error(error: Any, arguments: list[str]) -> UsageError:
    named = [argument for argument in arguments[:1] if not argument.startswith("-")]
    command = error.ctx.command_path if error.ctx else " ".join(["recsys", *named])
    hint = f"see {command} --help"
    what = error.format_message().replace("Value error, ", "").replace("Input should be", "it has to be")
    return UsageError(what.split(", unable to parse")[0].rstrip("."), hint=hint)


def _asks_for_json(arguments: list[str]) -> bool:
    until = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:until]
