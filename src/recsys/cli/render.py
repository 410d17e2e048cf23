"""Results to stdout; progress, logs and errors to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from recsys.errors import RecsysError

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 10_000  # a pipe has no right margin: nothing is wrapped or cut there


def console(stream: TextIO) -> Console:
    """A rich console that wraps on a terminal only."""
    from rich.console import Console

    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=not stream.isatty())


def print_json(answer: object) -> None:
    """One object on stdout."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
    """A table on stdout, the columns in `numbers` aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        is_number = column in numbers
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console(sys.stdout).print(table)


def say(text: str) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(text + "\n")


def print_error(error: RecsysError, *, as_json: bool) -> None:
    """What is wrong, where, what was expected, what to do next; with --json one object as the last line."""
    if as_json:
        sys.stderr.write(json.dumps({"error": error_dict(error)}, ensure_ascii=False) + "\n")
        return
    for one in (error, *error.more):
        place = f"{one.where}: " if one.where else ""
        say(f"{_paint('error:', '1;31')} {place}{one.what}")
        if one.expected:
            say(f"  expected {one.expected}")
        if one.hint:
            say(f"  {_paint('hint:', '1;36')} {one.hint}")


def error_dict(error: RecsysError) -> dict[str, Any]:
    """An error as the contract's json; further ones of the same pass under "more"."""
    answer: dict[str, Any] = {
        "kind": error.kind,
        "what": error.what,
        "where": error.where,
        "expected": error.expected,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    if error.more:
        answer["more"] = [error_dict(one) for one in error.more]
    return answer


def _paint(text: str, code: str) -> str:
    import os

    return f"\033[{code}m{text}\033[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else text
