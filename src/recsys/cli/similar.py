"""recsys similar."""

from __future__ import annotations

from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.render import print_json, print_table


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item id of the ratings file.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items.")] = 10,
    min_ratings: Annotated[
        int,
        typer.Option("--min-ratings", min=0, metavar="N", help="Only items with at least this many training ratings."),
    ] = 0,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys similar 1 --min-ratings 20"""
    model = api.load(run)
    neighbours = model.similar(item, n, min_ratings=min_ratings)
    if as_json:
        print_json(
            {"item_id": model.bundle.items.parse(item), "items": [neighbour.to_dict() for neighbour in neighbours]}
        )
        return
    if not neighbours:
        typer.echo("no similar items: no other item has factors and that many training ratings")
        return
    titled = any(neighbour.title for neighbour in neighbours)
    rows = [
        [
            str(neighbour.rank),
            str(neighbour.item_id),
            *([neighbour.title or ""] * titled),
            f"{neighbour.similarity:+.2f}",
            f"{neighbour.n_ratings:,}",
        ]
        for neighbour in neighbours
    ]
    columns = ["rank", "item", *(["title"] * titled), "similarity", "n ratings"]
    print_table(columns, rows, numbers=["rank", "similarity", "n ratings"], cut="title")
