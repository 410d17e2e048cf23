"""recsys similar."""

from __future__ import annotations

from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import By, JsonOption, MinRatingsOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.items import item_of
from recsys.cli.render import echo, print_json, print_table


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item id of the ratings file, or a title.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items.")] = 10,
    min_ratings: MinRatingsOption = 0,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="ranking: chosen by the same users, times n / (n + 5), with n the ratings of the listed item, so that"
            " items with few do not lead; rating: rated alike. Default: ranking where the run has a ranking scorer.",
        ),
    ] = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys similar 260

    By a title: recsys similar "toy story"
    """
    model = api.load(used_run(run))
    scorer = model.ranks_by if by is None else by.value
    item_id = item_of(model, item)
    neighbours = model.similar(item_id, n, by=scorer, min_ratings=min_ratings)
    if as_json:
        items = [neighbour.to_dict() for neighbour in neighbours]
        print_json({"item_id": model.bundle.items.parse(str(item_id)), "by": scorer, "items": items})
        return
    if not neighbours:
        echo("no similar items: no other item has factors and that many training ratings")
        return
    titled = any(neighbour.title for neighbour in neighbours)
    has_clicks = any(neighbour.n_ratings != neighbour.n_interactions for neighbour in neighbours)
    count = "n interactions" if has_clicks else "n ratings"
    rows = [
        [
            str(neighbour.rank),
            str(neighbour.item_id),
            *([neighbour.title or ""] * titled),
            f"{neighbour.similarity:+.2f}",
            f"{neighbour.n_interactions:,}",
        ]
        for neighbour in neighbours
    ]
    columns = ["rank", "item", *(["title"] * titled), "similarity", count]
    print_table(columns, rows, numbers=["rank", "similarity", count], cut=["title"])
