"""recsys recommend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.progress import watching
from recsys.cli.render import note_outside_scale, print_json, print_table, say
from recsys.cli.threads import leave_cores_to_training
from recsys.core.errors import UsageError

if TYPE_CHECKING:
    from recsys.core.types import Json
    from recsys.inference.recommender import Recommendation, Recommender
    from recsys.inference.session_ratings import SessionRatings


def recommend(
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user id of the ratings file.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items.")] = 10,
    min_ratings: Annotated[
        int,
        typer.Option("--min-ratings", min=0, metavar="N", help="Only items with at least this many training ratings."),
    ] = 0,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", metavar="FILE", help="Only the items in this CSV.")
    ] = None,
    ratings: Annotated[
        Path | None, typer.Option("--ratings", metavar="FILE", help="Instead of USER: the ratings of a new visitor.")
    ] = None,
    run: RunOption = None,
    everyone: Annotated[bool, typer.Option("--all", help="For all users; with --output.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="With --all: the CSV to write.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys recommend 1 --min-ratings 20

    For a visitor: recsys recommend --ratings visitor.csv

    For all users: recsys recommend --all --output top10.csv
    """
    if everyone != (output is not None) or [everyone, user is not None, ratings is not None].count(True) != 1:
        raise UsageError(
            "recommend takes one user, one visitor, or all users",
            expected="USER, or --ratings FILE, or --all with --output FILE",
            hint="see recsys recommend --help",
        )
    if ratings is not None:
        leave_cores_to_training()  # the equations of one visitor are too small to share
    model = api.load(run)
    with watching() as observe:
        listed = None if candidates is None else api.read_candidates(model, candidates, observe=observe)
        visitor = None if ratings is None else api.read_session_ratings(model, ratings, observe=observe)
        if output is not None:
            counts = api.recommend_all(model, output, n, min_ratings=min_ratings, candidates=listed, observe=observe)
    if output is not None:
        if as_json:
            print_json(counts)
        else:
            typer.echo(f"{counts['n_recommendations']:,} items for {counts['n_users']:,} users written to {output}")
        return
    about: dict[str, Json]
    if visitor is not None:
        _note(visitor, model)
        items = model.recommend_for(visitor.item_ids, visitor.ratings, n, min_ratings=min_ratings, candidates=listed)
        about = {
            "user_id": visitor.user_id,
            "n_ratings": len(visitor.ratings),
            "n_unknown_items": visitor.n_unknown_items,
        }
    else:
        assert user is not None
        items = model.recommend(user, n, min_ratings=min_ratings, candidates=listed)
        about = {"user_id": model.bundle.users.parse(user)}
    if as_json:
        print_json({**about, "items": [item.to_dict() for item in items]})
    else:
        _show(items)


def _note(visitor: SessionRatings, model: Recommender) -> None:
    """Says how many of a visitor's ratings do not count, or look wrong."""
    if visitor.n_unknown_items:
        n_items = len(visitor.item_ids)
        say(f"note: {visitor.n_unknown_items:,} of {n_items:,} rated items have no training ratings and are ignored")
    note_outside_scale(visitor.n_outside_scale, len(visitor.ratings), model.bundle.manifest.scale)


def _show(items: list[Recommendation]) -> None:
    if not items:
        typer.echo("no items to recommend: the user has rated all candidates")
        return
    titled = any(item.title for item in items)
    rows = [
        [str(item.rank), str(item.item_id), *([item.title or ""] * titled), f"{item.rating:.2f}", f"{item.n_ratings:,}"]
        for item in items
    ]
    columns = ["rank", "item", *(["title"] * titled), "rating", "n ratings"]
    print_table(columns, rows, numbers=["rank", "rating", "n ratings"], cut="title")
