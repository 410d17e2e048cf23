"""recsys explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.prediction import prediction_line, print_parts
from recsys.cli.render import paragraph, print_json, print_table

if TYPE_CHECKING:
    from recsys.inference.explain import Explanation


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="A user id of the ratings file.")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item id of the ratings file.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Number of ratings of the user to list.")] = 10,
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
    typer.echo(prediction_line(prediction))
    print_parts(prediction)
    typer.echo()
    for line in paragraph(
        f"Contributions of the user's {explanation.n_ratings:,} ratings to the interaction"
        f" ({prediction.parts['interaction']:+.3f}). A contribution is large if the rating is far from expected (by the"
        " mean and the biases) and the items are similar."
    ):
        typer.echo(line)
    _show_contributions(explanation)


def _show_contributions(explanation: Explanation) -> None:
    listed = explanation.contributions
    titled = any(item.title for item in listed)
    rows = [
        [
            str(item.item_id),
            *([item.title or ""] * titled),
            f"{item.rating:g}",
            f"{item.expected:.2f}",
            f"{item.contribution:+.3f}",
        ]
        for item in listed
    ]
    n_others = explanation.n_ratings - len(listed)
    sums = [(f"{n_others:,} others", explanation.others)] if n_others else []
    for text, value in [*sums, ("not from ratings", explanation.remainder)]:
        rows.append([*([""] * titled), text, "", "", f"{value:+.3f}"])
    columns = ["rated item", *(["title"] * titled), "rating", "expected", "contribution"]
    print_table(columns, rows, numbers=["rating", "expected", "contribution"], cut="title")
