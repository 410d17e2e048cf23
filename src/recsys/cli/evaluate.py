"""recsys evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, LevelOption, RunOption
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.ranking import show_ranking
from recsys.cli.render import echo, print_json, print_table
from recsys.cli.scores import Scores, baseline_rows, print_scores, scorer_label
from recsys.core.errors import UsageError

if TYPE_CHECKING:
    from recsys.api.measuring import RankingOptions
    from recsys.evaluation.activity import RangeErrors
    from recsys.evaluation.coverage import FifthCoverage, RangeCoverage
    from recsys.workflows.evaluate import IntervalCoverage

K = 10


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Ratings, with the column names of training. Default: the test set of the run.",
        ),
    ] = None,
    run: RunOption = None,
    by_activity: Annotated[
        bool, typer.Option("--by-activity", help="Also rmse by number of training ratings of the user and of the item.")
    ] = False,
    interval: LevelOption = None,
    ranking: Annotated[bool, typer.Option("--ranking", help="Also ranking metrics over unseen items.")] = False,
    k: Annotated[
        int | None, typer.Option("--k", min=1, metavar="N", help="With --ranking: length of the list. Default: 10.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="X",
            help="With --ranking: the lowest relevant rating. Default: the upper quarter of the scale.",
        ),
    ] = None,
    new_users: Annotated[
        bool,
        typer.Option(
            "--new-users",
            help="With --ranking: a tenth of the users are new. The scorer is trained again without them.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys evaluate --data new-ratings.csv"""
    _check_ranking(ranking, {"--k N": k, "--threshold X": threshold, "--new-users": new_users or None})
    options: RankingOptions = {"k": k or K, "threshold": threshold, "new_users": new_users}
    protocol = options if ranking else None
    used = used_run(run)
    with watching() as observe:
        answer = api.evaluate(used, data, observe, by_activity=by_activity, interval=interval, ranking=protocol)
    if as_json:
        print_json(answer)
        return
    objective = api.find_objective(answer["objective"])
    print_scores(
        objective,
        [
            (scorer_label(objective.name, objective), cast(Scores, answer)),
            *baseline_rows(objective, answer["baselines"]),
        ],
    )
    if answer.get("with_times") is False:
        echo("the ratings have no times: predicted without user drift")
    if "by_activity" in answer:
        _show_activity("user", answer["by_activity"]["by_user"])
        _show_activity("item", answer["by_activity"]["by_item"])
    if "intervals" in answer:
        _show_coverage(answer["intervals"])
    if "ranking" in answer:
        show_ranking(answer["ranking"])


def _check_ranking(ranking: bool, options: dict[str, float | None]) -> None:
    for usage, value in options.items():
        if value is not None and not ranking:
            raise UsageError(f"{usage.split()[0]} applies only with --ranking", expected=f"--ranking {usage}")


def _show_activity(role: str, rows: list[RangeErrors]) -> None:
    has_features = any("without_features" in row for row in rows)
    without = ["without\nfeatures"] * has_features
    columns = [
        f"training ratings\nof the {role}",
        "rmse",
        *without,
        "bias-only\nbaseline",
        "difference",
        "n test\nratings",
    ]
    echo()
    print_table(
        columns,
        [
            [
                _between(row),
                f"{row['model']:.4f}",
                *([f"{row['without_features']:.4f}"] if has_features else []),
                f"{row['biases']:.4f}",
                f"{row['model'] - row['biases']:+.4f}",
                f"{row['n_ratings']:,}",
            ]
            for row in rows
        ],
        numbers=columns,
    )


def _show_coverage(intervals: IntervalCoverage) -> None:
    rows: list[tuple[str, IntervalCoverage | RangeCoverage | FifthCoverage]] = [("all test ratings", intervals)]
    rows += [(f"users with {_between(row)} training {_ratings(row)}", row) for row in intervals["by_user"]]
    rows += [(f"items with {_between(row)} training {_ratings(row)}", row) for row in intervals["by_item"]]
    rows += [(f"quintile {row['fifth']} of users by width", row) for row in intervals["by_width"]]
    columns = ["coverage", "mean width", "n test\nratings"]
    echo()
    print_table(
        [f"intervals at nominal coverage {intervals['level']:.4g}", *columns],
        [[name, f"{row['coverage']:.3f}", f"{row['mean_width']:.2f}", f"{row['n_ratings']:,}"] for name, row in rows],
        numbers=columns,
    )


def _ratings(row: RangeCoverage) -> str:
    return "rating" if row["high"] == 1 else "ratings"


def _between(row: RangeErrors | RangeCoverage) -> str:
    return f"{row['low']:,}" if row["low"] == row["high"] else f"{row['low']:,} to {row['high']:,}"
