"""recsys compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.progress import watching
from recsys.cli.render import echo, paragraph, print_json, print_table, say
from recsys.cli.scores import metric_label
from recsys.core.errors import UsageError
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.evaluation.bootstrap import Difference
    from recsys.objectives.objective import Objective
    from recsys.workflows.compare import ComparedRun, RunComparison


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Two or more runs; the others are compared with the first."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Example: recsys compare runs/before runs/after"""
    if len(runs) < 2:
        raise UsageError("one run cannot be compared", expected="two or more runs")
    with watching():  # Ctrl-C ends it as any other command
        comparison = api.run_comparison(runs)
    if as_json:
        print_json(comparison.to_dict())
        return
    _show(comparison)
    _note_what_is_left_out(comparison)
    if comparison.ranking_missing is not None:
        say(f"note: recommendations are not compared: {comparison.ranking_missing}")
    if comparison.ranking is not None:
        echo()
        _show(comparison.ranking)


def _show(comparison: RunComparison) -> None:
    objective, (first, *others) = comparison.objective, comparison.runs
    metric = objective.deciding_metric
    metrics = [name for name in (*objective.metrics, *objective.optional_metrics[:1]) if name in first.metrics]
    labels = {name: metric_label(name) for name in metrics}
    columns = [*labels.values(), f"{metric.replace('_', ' ')}\ndifference", f"{comparison.level:.0%} interval"]
    rows = [
        [run.run, *(f"{run.metrics[name]:.4f}" for name in metrics), *_difference(run.differences.get(metric))]
        for run in comparison.runs
    ]
    print_table(["run", *columns], rows, numbers=columns)
    n_common, users = counted(comparison.n_ratings, "test interaction"), counted(comparison.n_users, "user")
    text = f"{n_common} in common, by {users}. Differences are to the first run."
    echo("\n".join(["", *paragraph(text), ""]))
    for other in others:
        echo("\n".join(paragraph(_verdict(objective, first, other, comparison.level))))


def _note_what_is_left_out(comparison: RunComparison) -> None:
    for run in comparison.runs:
        if run.n_not_in_common:
            of_all = f"{run.n_not_in_common:,} of {counted(run.n_test, 'test interaction')}"
            say(
                f"note: not in common: {of_all} of {run.run};"
                f" of unknown users or items, so that they cannot be matched: {run.n_unknown:,}"
            )
    if comparison.n_without_user:
        rows = counted(comparison.n_without_user, "interaction")
        say(
            f"note: {rows} by users without training interactions, whose ids are not kept: each counts as a user of"
            " its own, and the interval may be too narrow"
        )


def _difference(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["", ""]
    return [f"{difference.value:+.4f}", f"{difference.low:+.4f} to {difference.high:+.4f}"]


def _verdict(objective: Objective, first: ComparedRun, other: ComparedRun, level: float) -> str:
    difference = other.differences[objective.deciding_metric]
    if not difference.is_real:
        return f"No significant difference between {other.run} and {first.run}: the {level:.0%} interval includes 0."
    better = "better" if objective.cost(difference.value) < 0 else "worse"
    lower = "lower" if difference.value < 0 else "higher"
    return (
        f"{other.run} is significantly {better} than {first.run}: its {objective.deciding_metric} is"
        f" {abs(difference.value):.4f} {lower}, and the {level:.0%} interval excludes 0."
    )
