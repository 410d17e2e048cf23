"""recsys init."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.arguments import JsonOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json
from recsys.core.errors import UsageError

if TYPE_CHECKING:
    from recsys.data.profile import FileProfile


def init(
    ratings: Annotated[Path, typer.Argument(metavar="RATINGS", help="A ratings file: CSV, also .gz and .zst.")],
    user: Annotated[str | None, typer.Option("--user", metavar="COL", help="Column of the user ids.")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="COL", help="Column of the item ids.")] = None,
    rating: Annotated[str | None, typer.Option("--rating", metavar="COL", help="Column of the ratings.")] = None,
    timestamp: Annotated[str | None, typer.Option("--timestamp", metavar="COL", help="Column of the times.")] = None,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The config to write.")] = Path(
        "config.yaml"
    ),
    as_json: JsonOption = False,
) -> None:
    """Example: recsys init ratings.csv --user customer --item isbn --rating score"""
    if output.exists():
        raise UsageError(
            f"{output} exists already", expected="a file that is new", hint="choose another --output, or delete it"
        )
    from recsys.config.loading.load import config_from
    from recsys.data.profile import profile

    asked = {"user": user, "item": item, "rating": rating, "timestamp": timestamp}
    columns = {role: _column(name) for role, name in asked.items() if name is not None}
    data = config_from({"data": {"ratings": str(ratings), "columns": columns}}, Path.cwd()).data
    with watching() as observe:
        seen = profile(ratings, data, observe)
    _write(seen, output)
    if as_json:
        print_json({**_facts(seen), "config": str(output)})
        return
    for line in _lines(seen):
        typer.echo(line)
    typer.echo("")
    typer.echo(f"{output} is written. Next:")
    typer.echo(f"  recsys train --config {output}")


def _column(name: str) -> str | int:
    """A position where a number is given, as in a config."""
    return int(name) if name.isascii() and name.isdigit() and int(name) > 0 else name


def _write(seen: FileProfile, output: Path) -> None:
    from recsys.config.template import template
    from recsys.core.files import write_text, writing

    with writing(output):
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_text(
        output,
        template(
            ratings=_relative(seen.path, output),
            n_ratings=seen.n_ratings,
            columns={str(role): column for role, column in seen.columns.items()},
            delimiter=seen.delimiter,
            header=seen.header,
            encoding=seen.encoding,
            duplicates="last" if seen.n_duplicates else "error",
            notes=_lines(seen)[1:],
        ),
    )


def _relative(path: Path, output: Path) -> str:
    """The path as seen from the config's folder; absolute where that is another drive."""
    try:
        return Path(os.path.relpath(path.absolute(), output.absolute().parent)).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _lines(seen: FileProfile) -> list[str]:
    """What was seen, a line each."""
    scale, times = seen.scale, seen.times
    step = f" in steps of {scale.step:g}" if scale.step else ""
    named = ", ".join(f"{role}: {column}" for role, column in seen.columns.items())
    header = "a header" if seen.header else "no header"
    packed = f", {seen.compression}" if seen.compression else ""
    lines = [
        f"{seen.path}: {seen.n_ratings:,} ratings of {seen.n_items:,} items by {seen.n_users:,} users",
        f"columns: {named}" + (f" (others: {', '.join(map(str, seen.others))})" if seen.others else ""),
        f"written with {header}, delimiter {seen.delimiter!r}, {seen.encoding}{packed}",
        f"user ids: {_ids(seen.user_type, seen.user_examples)}; item ids: {_ids(seen.item_type, seen.item_examples)}",
        f"ratings from {scale.low:g} to {scale.high:g}{step}, mean {scale.mean:.3g}",
        f"times in {times.unit}, from {_day(times.first)} to {_day(times.last)}" if times else "no times",
    ]
    if seen.n_duplicates:
        lines.append(f"{seen.n_duplicates:,} rows rate a pair again: duplicates is set to last, so the last row counts")
    if scale.low == scale.high:
        lines.append("all ratings are equal: there is nothing to learn from them")
    return lines


def _ids(kind: type, examples: tuple[str, ...]) -> str:
    return f"{'whole numbers' if kind is int else 'texts'} such as {', '.join(examples)}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _facts(seen: FileProfile) -> dict[str, Any]:
    """What was seen, as json takes it."""
    return {
        "path": str(seen.path),
        "compression": seen.compression,
        "encoding": seen.encoding,
        "delimiter": seen.delimiter,
        "header": seen.header,
        "columns": seen.columns,
        "other_columns": list(seen.others),
        "id_types": {"user": seen.user_type.__name__, "item": seen.item_type.__name__},
        "n_ratings": seen.n_ratings,
        "n_users": seen.n_users,
        "n_items": seen.n_items,
        "n_duplicates": seen.n_duplicates,
        "scale": vars(seen.scale),
        "timestamps": vars(seen.times) if seen.times else None,
    }
