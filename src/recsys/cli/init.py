"""recsys init."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.progress import watching
from recsys.cli.render import json_line, paragraph, teller
from recsys.core.errors import UsageError
from recsys.core.words import shell_command

if TYPE_CHECKING:
    from recsys.data.file_profile import FileProfile


def init(
    ratings: Annotated[
        list[Path], typer.Argument(metavar="RATINGS", help="Ratings: CSV, Parquet, Arrow or JSON lines; - for stdin.")
    ],
    user: Annotated[str | None, typer.Option("--user", metavar="COL", help="Column of user ids.")] = None,
    item: Annotated[str | None, typer.Option("--item", metavar="COL", help="Column of item ids.")] = None,
    rating: Annotated[str | None, typer.Option("--rating", metavar="COL", help="Column of ratings.")] = None,
    timestamp: Annotated[str | None, typer.Option("--timestamp", metavar="COL", help="Column of timestamps.")] = None,
    no_timestamp: Annotated[bool, typer.Option("--no-timestamp", help="Leave the times out.")] = False,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Such as latin-1, cp1252 or utf-16.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", metavar="TEXT", help='Such as ";", "|" or "\\t".')
    ] = None,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help="Whether line 1 names columns.")] = None,
    layout: Annotated[
        str | None, typer.Option("--layout", metavar="HOW", help="rows, or wide: a column for each item.")
    ] = None,
    quotes: Annotated[str | None, typer.Option("--quotes", metavar="HOW", help="double, backslash or none.")] = None,
    decimal: Annotated[str | None, typer.Option("--decimal", metavar="MARK", help="The decimal mark, . or ,")] = None,
    timestamp_format: Annotated[
        str | None, typer.Option("--timestamp-format", metavar="FORM", help="Of dates, such as %d.%m.%Y.")
    ] = None,
    no_rating: Annotated[
        list[str] | None, typer.Option("--no-rating", metavar="CODE", help='A code for "no rating"; may be repeated.')
    ] = None,
    items: Annotated[
        Path | None, typer.Option("--items", metavar="FILE", help="Titles; else movies.csv or the like is found.")
    ] = None,
    items_id: Annotated[
        str | None, typer.Option("--items-id", metavar="COL", help="Column of item ids in the items file.")
    ] = None,
    items_title: Annotated[
        str | None, typer.Option("--items-title", metavar="COL", help="Column of titles in the items file.")
    ] = None,
    item_features: Annotated[
        str | None, typer.Option("--item-features", metavar="FILE", help="Features of items; items: the items file.")
    ] = None,
    user_features: Annotated[
        Path | None, typer.Option("--user-features", metavar="FILE", help="Features of users, such as users.csv.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The config to write.")] = Path(
        "config.yaml"
    ),
    as_json: JsonOption = False,
) -> None:
    """Example: recsys init ratings.csv --user customer --item isbn --rating score"""
    if no_timestamp and timestamp is not None:
        raise UsageError("--no-timestamp leaves out what --timestamp names", hint="give one of them")
    columns: dict[str, str | int | bool] = {
        **_columns({"user": user, "item": item, "rating": rating, "timestamp": timestamp})
    }
    if no_timestamp:
        columns["timestamp"] = False
    reading = {
        "encoding": encoding,
        "delimiter": "\t" if delimiter == "\\t" else delimiter,
        "header": header,
        "quotes": False if quotes in ("none", "false") else quotes,
        "decimal": decimal,
        "layout": layout,
        "timestamp_format": timestamp_format,
        "no_rating": no_rating or None,
        "items": None if items is None else str(items),
        "item_columns": _columns({"item": items_id, "title": items_title}) or None,
        "item_features": item_features,
        "user_features": None if user_features is None else str(user_features),
    }
    given = {key: value for key, value in reading.items() if value is not None}
    with watching() as observe:
        profile = api.init(ratings if len(ratings) > 1 else ratings[0], output, observe, columns=columns, **given)
    _show(profile, output, as_json=as_json)


def _show(profile: FileProfile, output: Path, *, as_json: bool) -> None:
    """What was found, and how to go on."""
    tell = teller(output)
    if as_json:
        tell(json_line({**profile.to_dict(), "config": str(output)}))
        return
    again = "cat RATINGS | " if profile.source == "stream" else ""
    train = shell_command(["recsys", "train", "--config", str(output)])
    lines = [line for text in profile.describe() for line in paragraph(text)]
    for line in (*lines, "", f"Wrote {output}. Next:", f"  {again}{train}"):
        tell(line)


def _columns(names: Mapping[str, str | None]) -> dict[str, str | int]:
    """The columns that are named."""
    return {role: _column(name) for role, name in names.items() if name is not None}


def _column(name: str) -> str | int:
    """A position where a number is given, as in a config."""
    return int(name) if name.isascii() and name.isdigit() and int(name) > 0 else name
