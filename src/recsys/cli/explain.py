"""recsys explain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import By, JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.items import item_of
from recsys.cli.prediction import prediction_line, print_parts, unrated_lines
from recsys.cli.render import echo, paragraph, print_json, print_table, signed
from recsys.core.words import counted, one_line

if TYPE_CHECKING:
    from recsys.inference.explain import Explanation
    from recsys.inference.explain_features import FeatureContribution
    from recsys.inference.explain_ranking import RankExplanation


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="A user id of the ratings file.")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item id of the ratings file, or a title.")],
    n: Annotated[int, typer.Option("-n", min=1, help="Number of ratings of the user to list.")] = 10,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="rating: the predicted rating; ranking: the score that items are recommended by. Default: rating where"
            " the run predicts ratings.",
        ),
    ] = None,
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys explain 1 31

    Why an item is recommended: recsys explain 1 31 --by ranking
    """
    model = api.load(used_run(run))
    item_id = item_of(model, item)
    predicts_ratings = "rating" in model.bundle.scorers
    if by is By.RANKING or (by is None and not predicts_ratings):
        explanation = model.explain_ranking(user, item_id, n)
        if as_json:
            print_json(explanation.to_dict())
        else:
            _show_ranking(explanation, column=model.bundle.data.rating_is)
        return
    prediction = model.explain(user, item_id, n)
    if as_json:
        print_json(prediction.to_dict())
    else:
        _show(prediction)


def _show(explanation: Explanation) -> None:
    prediction = explanation.prediction
    echo(prediction_line(prediction))
    for line in unrated_lines(prediction):
        echo(line)
    print_parts(prediction)
    _show_features(explanation.features)
    echo()
    for line in paragraph(
        f"Contributions of the user's {counted(explanation.n_ratings, 'rating')} to the interaction"
        f" ({prediction.parts['interaction']:+.3f}). A contribution is large if the rating is far from expected (by the"
        " mean and the biases) and the items are similar."
    ):
        echo(line)
    _show_contributions(explanation)


def _show_features(features: Sequence[FeatureContribution], decimals: int = 3) -> None:
    """What the features of an item add that nobody has rated; nothing of another."""
    if not features:
        return
    echo()
    for line in paragraph("Nobody has rated the item. Contributions of its features to the score:"):
        echo(line)
    rows = [[feature.feature, signed(feature.contribution, decimals)] for feature in features]
    print_table(["feature", "contribution"], rows, numbers=["contribution"], cut=["feature"])


def _show_contributions(explanation: Explanation) -> None:
    listed = explanation.contributions
    titled = any(item.title for item in listed)
    rows = [
        [
            str(item.item_id),
            *([item.title or ""] * titled),
            f"{item.rating:g}",
            f"{item.expected:.2f}",
            signed(item.contribution),
        ]
        for item in listed
    ]
    n_others = explanation.n_ratings - len(listed)
    sums = [(counted(n_others, "other"), explanation.others)] if n_others else []
    for text, value in [*sums, ("not from ratings", explanation.remainder)]:
        rows.append([*([""] * titled), text, "", "", signed(value)])
    columns = ["rated item", *(["title"] * titled), "rating", "expected", "contribution"]
    print_table(columns, rows, numbers=["rating", "expected", "contribution"], cut=["title"])


def _show_ranking(explanation: RankExplanation, column: str) -> None:
    """`column`: what the user's items have, a rating or a count."""
    title = f"  {explanation.title}" if explanation.title else ""
    decimals = n_decimals([*(item.contribution for item in explanation.contributions), explanation.score])
    score = f"{round(explanation.score, decimals) + 0.0:.{decimals}f}"
    echo(one_line(f"user {explanation.user_id}, item {explanation.item_id}{title}: rank score {score}"))
    _show_features(explanation.features, decimals)
    echo()
    listed = explanation.contributions
    has_values = any(item.rating is not None for item in listed)
    items = counted(explanation.n_interactions, "item")
    for line in paragraph(
        f"Contributions of the user's {items} to the rank score. A contribution is large if the same users choose both"
        f" items{f'; a high {column} makes it larger' if has_values else ''}."
    ):
        echo(line)
    cells: dict[str, list[str]] = {"item": [str(item.item_id) for item in listed]}
    if any(item.title for item in listed):
        cells["title"] = [item.title or "" for item in listed]
    if has_values:
        cells[column] = ["" if item.rating is None else f"{item.rating:g}" for item in listed]
    cells["contribution"] = [signed(item.contribution, decimals) for item in listed]
    rows = [list(row) for row in zip(*cells.values(), strict=True)]
    n_others = explanation.n_interactions - len(listed)
    sums = [(counted(n_others, "other"), explanation.others)] if n_others else []
    if explanation.popularity:
        sums.append(("popularity of the item", explanation.popularity))
    name = "title" if "title" in cells else "item"
    for text, value in [*sums, ("not from own items", explanation.remainder)]:
        row = {**dict.fromkeys(cells, ""), name: text, "contribution": signed(value, decimals)}
        rows.append(list(row.values()))
    print_table(list(cells), rows, numbers=[column, "contribution"], cut=["title"])


def n_decimals(values: list[float]) -> int:
    """As many decimals as show three digits of the largest value, but four at least: rank scores have no unit."""
    largest = max(map(abs, values))
    return max(4, 2 - math.floor(math.log10(largest))) if largest else 4
