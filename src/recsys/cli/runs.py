"""recsys runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.default_run import default_reason, worse_lines
from recsys.cli.prune import clean_up, prune_runs, show_leftovers
from recsys.cli.render import echo, print_json, print_table
from recsys.cli.scores import baseline_header
from recsys.core.errors import UsageError

if TYPE_CHECKING:
    from recsys.artifacts.metrics import RunMetrics, ScorerMetrics
    from recsys.artifacts.overview import ListedRun
    from recsys.objectives.objective import Objective


def runs(
    prune: Annotated[
        int | None,
        typer.Option(
            "--prune", min=1, metavar="N", help="Remove all finished runs except the N newest and the default one."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --prune: remove them without asking.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove what stopped commands left behind; --prune does that too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --prune or --clean: show what would be removed, and remove nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list of runs; with --prune or --clean one object.")
    ] = False,
) -> None:
    """Example: recsys runs

    To remove old runs: recsys runs --prune 3
    """
    if yes and prune is None:
        raise UsageError("--yes applies only with --prune", expected="--prune N --yes")
    if dry_run and prune is None and not clean:
        raise UsageError("--dry-run applies only with --prune and --clean", expected="--clean --dry-run")
    if prune is not None:  # cleans up too
        prune_runs(prune, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    if clean:
        clean_up(dry_run=dry_run, as_json=as_json)
        return
    overviews = api.runs()
    if as_json:
        print_json(overviews)
    elif not overviews:
        echo(f"no runs under {api.runs_root()}")
    else:
        _show_runs(overviews)
        _show_part(overviews)
    show_leftovers(as_json=as_json)


def _show_runs(overviews: list[ListedRun]) -> None:
    """A line a run: for each objective its deciding metric and that of the baseline to beat; all fits together."""
    scorers = [api.scorer_metrics(overview["metrics"]) if overview["metrics"] else {} for overview in overviews]
    measured = [scorer["objective"] for of_run in scorers for scorer in of_run.values()] or ["rating"]
    objectives = [api.find_objective(name) for name in dict.fromkeys(measured)]
    columns = [
        *(header for each in objectives for header in (each.deciding_metric, baseline_header(each.baseline_to_beat))),
        "epochs",
        "training\nseconds",
    ]
    rows = [
        [
            Path(overview["path"]).name,
            overview["status"],
            *(cell for objective in objectives for cell in _measured(objective, of_run)),
            str(overview["epochs"]),
            _seconds(overview["metrics"]),
        ]
        for overview, of_run in zip(overviews, scorers, strict=True)
    ]
    print_table(["run", "status", *columns], rows, numbers=columns, fold=["run"])


def _show_part(overviews: list[ListedRun]) -> None:
    """The parents of runs, and the default run."""
    for overview in overviews:
        if overview["parent"] is not None:
            echo(f"parent of {Path(overview['path']).name}: {overview['parent']}")
    promoted = api.promoted_run()
    if promoted is not None and not promoted.exists():
        echo(f"the promoted run is missing: {promoted}")
    for overview in overviews:
        if overview["default"]:
            echo(f"default run: {Path(overview['path']).name} ({default_reason()})")
    newest = next((overview for overview in reversed(overviews) if overview["metrics"]), None)
    for overview in overviews:
        if overview["default"] or overview is newest:
            for line in worse_lines(Path(overview["path"]).name, overview["better"]):
                echo(line)


def _measured(objective: Objective, scorers: Mapping[str, ScorerMetrics]) -> tuple[str, str]:
    """The deciding metric of the scorer that is trained for an objective, and of the baseline to beat."""
    metrics = next((scorer for scorer in scorers.values() if scorer["objective"] == objective.name), None)
    scores = metrics and (metrics["test"] or metrics["valid"])
    if not metrics or not scores:
        return "", ""
    baseline = metrics["baselines"][objective.baseline_to_beat]
    return f"{objective.value(scores):.4f}", f"{objective.value(baseline):.4f}" if baseline else ""


def _seconds(metrics: RunMetrics | None) -> str:
    """Of all fits, as the epochs are counted."""
    if not metrics:
        return ""
    fits = [*api.scorer_metrics(metrics).values(), *metrics.get("refit", {}).values()]
    return f"{sum(fit['fit_seconds'] for fit in fits):.1f}"
