"""recsys explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.render import paragraph, print_json, print_table

if TYPE_CHECKING:
    from recsys.inference.explain import Explanation


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="A user id of the ratings file.")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item id of the ratings file.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many of the user's ratings.")] = 10,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys explain 1 31"""
    explanation = api.load(run).explain(user, item, n)
    if as_json:
        print_json(explanation.to_dict())
    else:
        _show(explanation)


def _show(explanation: Explanation) -> None:
    prediction = explanation.prediction
    title = f"  {prediction.title}" if prediction.title else ""
    typer.echo(f"user {prediction.user_id}, item {prediction.item_id}{title}: {prediction.rating:.2f}")
    meant = {
        "global_mean": "mean of all ratings",
        "user_bias": "this user rates higher or lower than most",
        "item_bias": "this item is rated higher or lower than most",
        "interaction": "this user's taste and this item",
    }
    rows = [[text, f"{prediction.parts[part]:+.3f}"] for part, text in meant.items()]
    rows += [["score", f"{prediction.score:+.3f}"], [f"rating = {prediction.link}(score)", f"{prediction.rating:.3f}"]]
    print_table(["part", "value"], rows, numbers=["value"])
    typer.echo()
    taste = prediction.parts["interaction"]
    for line in paragraph(
        f"What the user's {explanation.n_ratings:,} ratings add to the {taste:+.3f} for taste. "
        "A rating pulls by how far it lies from what the mean and the biases expect, and by how alike the items are."
    ):
        typer.echo(line)
    _show_pulls(explanation)


def _show_pulls(explanation: Explanation) -> None:
    pulls = explanation.contributions
    titled = any(one.title for one in pulls)
    rows = [
        [
            str(one.item_id),
            *([one.title or ""] * titled),
            f"{one.rating:g}",
            f"{one.expected:.2f}",
            f"{one.contribution:+.3f}",
        ]
        for one in pulls
    ]
    n_others = explanation.n_ratings - len(pulls)
    sums = [(f"{n_others:,} others", explanation.others)] if n_others else []
    for text, pull in [*sums, ("not from a rating", explanation.remainder)]:
        rows.append([*([""] * titled), text, "", "", f"{pull:+.3f}"])
    columns = ["rated item", *(["title"] * titled), "rating", "expected", "pull"]
    print_table(columns, rows, numbers=["rating", "expected", "pull"], cut="title")
