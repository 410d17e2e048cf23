"""recsys interpret."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.render import echo, paragraph, print_json, print_table
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.reporting.feature_weights import FeatureWeight
    from recsys.reporting.interpret import Direction, Interpretation, ItemBias
    from recsys.reporting.trait_associations import Association


def interpret(
    run: RunOption = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Number of items in each list.")] = 10,
    n_directions: Annotated[
        int, typer.Option("--directions", min=1, metavar="N", help="Number of directions of taste.")
    ] = 5,
    min_ratings: Annotated[
        int | None,
        typer.Option(
            "--min-ratings",
            min=1,
            metavar="N",
            help="Only items with at least this many training ratings. Default: 30 or fewer.",
        ),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", metavar="DIR", help="Also save PNG figures in a new folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys interpret -n 5 --directions 3

    With figures: recsys interpret --figures figures
    """
    used = used_run(run)
    with watching() if figures is not None else nullcontext():  # Ctrl-C waits until the folder of figures is whole
        interpretation = api.interpret(used, n, n_directions=n_directions, min_ratings=min_ratings, figures=figures)
    if as_json:
        print_json(interpretation.to_dict())
        return
    _show(interpretation)
    for path in interpretation.figures:
        echo(str(path))


def _show(interpretation: Interpretation) -> None:
    _say(
        f"Listed: items with at least {counted(interpretation.min_ratings, 'training rating')}, of which there"
        f" {'is' if interpretation.n_items == 1 else 'are'} {interpretation.n_items:,}. "
        "bias: how much higher or lower an item is rated than the mean, beyond the effect of who rated it."
    )
    echo()
    _show_biases("highest biases", interpretation.highest)
    echo()
    _show_biases("lowest biases", interpretation.lowest)
    echo()
    percentiles = ", ".join(f"{float(at):.0%}: {value:+.2f}" for at, value in interpretation.user_bias.items())
    _say(f"User-bias percentiles: {percentiles}.")
    if interpretation.features:
        echo()
        _show_features(interpretation.features)
    for direction in interpretation.directions:
        echo()
        _show_direction(direction)
    echo()
    _say("Numbers: extra rating points from a user one standard deviation along the direction.")
    if interpretation.n_traits:
        _say(
            f"Tried: {counted(interpretation.n_traits, 'value or column', 'values and columns')} of the items file. "
            "In brackets: the correlation with the direction, weighted by ratings, among items of similar popularity. "
            f"Shown only if significant (permutation test, {interpretation.n_permutations:,} permutations, "
            f"p ≤ {interpretation.level:g})."
        )


def _show_biases(title: str, items: Sequence[ItemBias]) -> None:
    titled = any(item.title for item in items)
    rows = [
        [
            str(item.item_id),
            *([item.title or ""] * titled),
            f"{item.bias:+.2f}",
            f"{item.mean_rating:.2f}",
            f"{item.n_ratings:,}",
        ]
        for item in items
    ]
    columns = ["item", *([title] * titled), "bias", "mean rating", "n ratings"]
    if not titled:
        echo(f"{title}:")
    print_table(columns, rows, numbers=["bias", "mean rating", "n ratings"], cut=[title])


def _show_features(features: Sequence[FeatureWeight]) -> None:
    """A table with the weights along each direction."""
    _say("Features of items: what each adds to the bias, and to the position along each direction.")
    numbers = ["bias", *(str(number + 1) for number in range(len(features[0].directions)))]
    rows = [
        [
            feature.feature,
            f"{feature.n_items:,}",
            f"{feature.bias:+.2f}",
            *(f"{value:+.2f}" for value in feature.directions),
        ]
        for feature in features
    ]
    print_table(["feature", "n items", *numbers], rows, numbers=["n items", *numbers], cut=["feature"])


def _show_direction(direction: Direction) -> None:
    _say(f"Direction {direction.number}: {direction.share:.1%} of the variance of all interactions")
    for sign, end in ((1, "+"), (-1, "-")):
        traits = [_trait(association) for association in direction.goes_with if sign * association.correlation > 0]
        if traits:
            _say(f"{end} correlates with {', '.join(traits)}")
    rows = [
        [part for item in both for part in (f"{item.position:+.2f}", item.title or str(item.item_id))]
        for both in zip(direction.high, direction.low, strict=True)
    ]
    ends = ["items at the + end", "items at the - end"]
    print_table(["+", ends[0], "-", ends[1]], rows, numbers=["+", "-"], cut=ends)


def _trait(association: Association) -> str:
    return f"{association.value or f'higher {association.column}'} ({association.correlation:+.2f})"


def _say(text: str) -> None:
    for line in paragraph(text):
        echo(line)
