"""Results to stdout; progress, logs and errors to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from recsys.core.errors import RecsysError

if TYPE_CHECKING:
    from rich.console import Console

    from recsys.core.types import Json

PIPE_WIDTH = 10_000  # a pipe has no right margin: nothing is wrapped or cut there


def console(stream: TextIO) -> Console:
    """A rich console that wraps on a terminal only."""
    from rich.console import Console

    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=not stream.isatty())


def print_json(answer: object) -> None:
    """One object on stdout."""
    typer.echo(json_line(answer))


def json_line(answer: object) -> str:
    """One object on one line."""
    return json.dumps(answer, ensure_ascii=False)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    cut: str | None = None,
    fold: str | None = None,
) -> None:
    """A table on stdout.

    Args:
        numbers: columns that are aligned to the right and never broken.
        cut: the column that ends in … where a terminal is too narrow; others go on in the next line.
        fold: the one column that goes on in the next line; left out: each that is neither number nor cut.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        is_number, is_cut = column in numbers, column == cut
        table.add_column(
            column,
            justify="right" if is_number else "left",
            no_wrap=is_number or is_cut or fold not in (None, column),
            overflow="ellipsis" if is_cut else "fold",
            max_width=_room(columns, rows, column) if is_cut else None,  # or rich takes from every column alike
        )
    for row in rows:
        table.add_row(*row)
    console(sys.stdout).print(table)


def _room(columns: Sequence[str], rows: Sequence[Sequence[str]], cut: str) -> int | None:
    """How wide a column may be at most, so that the others are whole; None off a terminal, which has no margin."""
    if not sys.stdout.isatty():
        return None
    others = (column for column in zip(columns, *rows, strict=True) if column[0] != cut)
    return max(8, console(sys.stdout).width - sum(max(map(len, column)) + 3 for column in others))


def signed(value: float, n_decimals: int = 3) -> str:
    """A number with its sign; what rounds to 0 has a plus."""
    return f"{round(value, n_decimals) + 0.0:+.{n_decimals}f}"


def paragraph(text: str, indent: str = "") -> list[str]:
    """The lines of a text on stdout: broken at a terminal's margin, one line in a pipe."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def say(text: str) -> None:
    """A line for people, on stderr. Nobody may be reading any more: that is no reason to stop the work."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        discard(sys.stderr)


def teller(output: Path) -> Callable[[str], None]:
    """What prints the lines about a written file: on stdout, unless the file itself goes there."""
    try:
        is_stdout = os.path.samestat(output.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        is_stdout = False
    return say if is_stdout else typer.echo


def discard(stream: TextIO) -> None:
    """Sends what is still written to a stream nowhere, once its reader has gone, as `head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_error(error: RecsysError, *, as_json: bool) -> None:
    """What is wrong, where, what was expected, what to do next; with --json one object as the last line."""
    if as_json:
        say(json.dumps({"error": error_dict(error)}, ensure_ascii=False))
        return
    for problem in (error, *error.more):
        place = f"{problem.where}: " if problem.where else ""
        say(f"{_paint('error:', '1;31')} {place}{problem.what}")
        if problem.expected:
            say(f"  expected {problem.expected}")
        if problem.hint:
            say(f"  {_paint('hint:', '1;36')} {problem.hint}")


def error_dict(error: RecsysError) -> dict[str, Json]:
    """An error as the contract's json; further ones of the same pass under "more"."""
    answer: dict[str, Json] = {
        "kind": error.kind,
        "what": error.what,
        "where": error.where,
        "expected": error.expected,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if error.more:
        answer["more"] = [error_dict(other) for other in error.more]
    return answer


def _paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else text
