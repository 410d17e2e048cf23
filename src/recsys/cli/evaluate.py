"""recsys evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.arguments import JsonOption, RunOption
from recsys.cli.progress import watching
from recsys.cli.render import BASELINES, print_json, print_scores


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
    baselines = answer["baselines"]
    print_scores([("model", answer), *((f"  {BASELINES[name]}", baselines[name]) for name in BASELINES)])
