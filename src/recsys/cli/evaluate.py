"""recsys evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json, print_table


def evaluate(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="Ratings, in columns named as in training.")],
    run: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a run on another file of ratings, beside the baselines.

    Example: recsys evaluate --data new-ratings.csv
    """
    from recsys.serving.evaluate import evaluate_file
    from recsys.serving.store import open_store

    store = open_store(run)
    with watching() as observe:
        answer = evaluate_file(store, data, observe)
    if as_json:
        print_json(answer)
        return
    rows = [("model", answer), ("biases alone", answer["baselines"]["biases"])]
    rows.append(("global mean", answer["baselines"]["global_mean"]))
    print_table(
        ["", "rmse", "mae"],
        [[name, f"{scores['rmse']:.4f}", f"{scores['mae']:.4f}"] for name, scores in rows],
        numbers=["rmse", "mae"],
    )
    typer.echo(
        f"on {answer['n_ratings']:,} ratings; {answer['n_unknown_users']:,} of unknown users,"
        f" {answer['n_unknown_items']:,} of unknown items, predicted by the mean user or item"
    )
