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

from recsys.cli.streams import can_hold, is_unicode, write_to_stdout
from recsys.cli.table import table_lines
from recsys.core.errors import RecsysError
from recsys.core.words import UNPRINTABLE, one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

    from recsys.core.types import Json

PIPE_WIDTH = 10_000  # a pipe has no right margin: nothing is wrapped or cut there


def console(stream: TextIO) -> Console:
    """A rich console that wraps on a terminal only."""
    from rich.console import Console

    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=not stream.isatty())


def echo(text: str = "") -> None:
    """Lines of a result, on stdout."""
    write_to_stdout(printable(text) + "\n")


def print_json(answer: object, *, indent: int | None = None) -> None:
    """One object on stdout."""
    echo(json_line(answer, indent=indent))


def json_line(answer: object, *, indent: int | None = None) -> str:
    """One object, in letters that stdout and stderr can hold and that do not drive a terminal."""
    is_ascii = not (is_unicode(sys.stdout) and is_unicode(sys.stderr))
    text = json.dumps(answer, ensure_ascii=is_ascii, indent=indent)
    return UNPRINTABLE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    cut: Sequence[str] = (),
    fold: Sequence[str] | None = None,
) -> None:
    """A table on stdout, see `table_lines`: no wider than a terminal."""
    signs = ("─", "…") if can_hold(sys.stdout, "─…") else ("-", "...")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table_lines(columns, rows, numbers=numbers, cut=cut, fold=fold, width=width, signs=signs):
        echo(line)


def signed(value: float, n_decimals: int = 3) -> str:
    """A number with its sign; what rounds to 0 has a plus."""
    return f"{round(value, n_decimals) + 0.0:+.{n_decimals}f}"


def paragraph(text: str, indent: str = "") -> list[str]:
    """The lines of a text on stdout: broken at a terminal's margin, one line in a pipe."""
    return _wrapped(text, sys.stdout, indent, indent)


def _wrapped(text: str, stream: TextIO, first_indent: str = "", indent: str = "") -> list[str]:
    if not stream.isatty():
        return [first_indent + text] if text else []
    return textwrap.wrap(
        text,
        shutil.get_terminal_size().columns,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def say(text: str) -> None:
    """A text for people, on stderr; it goes on in the next line where a terminal is too narrow."""
    for line in printable(text).split("\n"):
        _write_to_stderr("\n".join(_wrapped(line, sys.stderr, indent="  ")))


def _write_to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def teller(output: Path) -> Callable[[str], None]:
    """What prints the lines about a written file: on stdout, unless the file itself goes there."""
    try:
        is_stdout = os.path.samestat(output.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        is_stdout = False
    return say if is_stdout else echo


def print_error(error: RecsysError, *, as_json: bool) -> None:
    """What is wrong, where, what was expected, what to do next; with --json one object as the last line."""
    if as_json:
        _write_to_stderr(json_line({"error": error_dict(error)}))
        return
    for problem in (error, *error.more):
        place = f"{problem.where}: " if problem.where else ""
        first, *rest = _wrapped(one_line(f"error: {place}{problem.what}"), sys.stderr, indent="  ")
        _write_to_stderr("\n".join([_in_color(first, "error:", "1;31"), *rest]))
        if problem.expected:
            say(f"  expected {problem.expected}")
        if problem.hint:
            _write_to_stderr(_in_color(one_line(f"  hint: {problem.hint}"), "hint:", "1;36"))  # whole, to be copied


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


def _in_color(line: str, label: str, code: str) -> str:
    """The line with its label in color, on a terminal."""
    has_color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return line.replace(label, f"\033[{code}m{label}\033[0m", 1) if has_color else line
