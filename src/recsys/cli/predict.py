"""recsys predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import EscapeOption, JsonOption, LevelOption, OnUnknown, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.items import item_of
from recsys.cli.prediction import prediction_line, print_parts, unrated_lines
from recsys.cli.progress import watching
from recsys.cli.render import echo, json_line, print_json, teller
from recsys.core.errors import UsageError
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.inference.prediction import Prediction
    from recsys.inference.recommender import Recommender


def predict(
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user id of the ratings file.")] = None,
    item: Annotated[
        str | None, typer.Argument(metavar="ITEM", help="An item id of the ratings file, or a title.")
    ] = None,
    run: RunOption = None,
    on_unknown: Annotated[
        OnUnknown,
        typer.Option(
            "--on-unknown",
            help="What to do about ids without training ratings and features: refuse them, or predict by the mean.",
        ),
    ] = OnUnknown.ERROR,
    interval: LevelOption = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="Time of the rating: seconds since 1970, or a date. For runs with user_drift."
        ),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="Predict all pairs of a CSV with user and item ids.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="With --input: the CSV to write.")
    ] = None,
    escape_formulas: EscapeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys predict 1 31 --interval 0.9

    For a file: recsys predict --input pairs.csv --output predictions.csv
    """
    is_file = pairs is not None and output is not None and user is None
    is_pair = user is not None and item is not None and pairs is None and output is None
    if not (is_file or is_pair):
        raise UsageError(
            "predict takes one pair, or a file of pairs",
            expected="USER ITEM, or --input FILE with --output FILE",
            hint="see recsys predict --help",
        )
    if is_file and at is not None:
        raise UsageError("--at applies only to a single pair", expected="a column of times in the file of --input")
    if is_pair and escape_formulas:
        raise UsageError("--escape-formulas is for a CSV", expected="--input FILE with --output FILE")
    when = None if at is None else _moment(at)
    model = api.load(used_run(run))
    if pairs is not None and output is not None:
        _many(model, pairs, output, on_unknown, interval, escape_formulas, as_json)
    elif user is not None and item is not None:
        item_id = item_of(model, item) if on_unknown is OnUnknown.ERROR else item
        prediction = model.predict(user, item_id, on_unknown=on_unknown.value, interval=interval, at=when)
        if as_json:
            print_json(prediction.to_dict())
        else:
            _show(prediction)


def _moment(text: str) -> float:
    seconds = api.parse_time(text)
    if seconds is None:
        raise UsageError(
            f"--at {text!r} is not a time",
            expected="seconds since 1970-01-01 UTC, or a date such as 2024-05-17 or 2024-05-17T20:15:00",
        )
    return seconds


def _many(
    model: Recommender,
    pairs: Path,
    output: Path,
    on_unknown: OnUnknown,
    interval: float | None,
    escape_formulas: bool,
    as_json: bool,
) -> None:
    with watching() as observe:
        counts = api.predict_file(
            model,
            pairs,
            output,
            on_unknown=on_unknown.value,
            interval=interval,
            escape_formulas=escape_formulas,
            observe=observe,
        )
    tell = teller(output)
    if as_json:
        tell(json_line(counts))
        return
    tell(f"{counted(counts['n_pairs'], 'prediction')} written to {output}")
    if counts.get("with_times") is False:
        tell("the file has no times: predicted without user drift")
    for role in ("user", "item"):
        if counts.get(f"n_{role}s_from_features"):
            tell(f"{counts[f'n_{role}s_from_features']:,} of them with a new {role}: predicted from its features")
        if counts[f"n_unknown_{role}s"]:
            tell(f"{counts[f'n_unknown_{role}s']:,} of them with an unknown {role}: predicted by the mean {role}")


def _show(prediction: Prediction) -> None:
    echo(prediction_line(prediction))
    if prediction.interval is not None:
        interval = prediction.interval
        echo(f"{interval.level:.0%} prediction interval: {interval.low:.2f} to {interval.high:.2f}")
    for line in unrated_lines(prediction):
        echo(line)
    print_parts(prediction)
