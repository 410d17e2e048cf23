"""recsys runs and inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from recsys.cli.arguments import JsonOption
from recsys.cli.render import print_json, print_table


def runs(as_json: JsonOption = False) -> None:
    """List the runs under runs/ (or $RECSYS_RUNS), oldest first.

    Example: recsys runs
    """
    from recsys.runs.directory import all_runs, runs_root
    from recsys.runs.overview import overview

    found = [overview(path) for path in all_runs()]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo(f"no runs under {runs_root()}")
    else:
        rows = [
            [
                Path(one["path"]).name,
                one["status"],
                *_rmse(one["metrics"]),
                str(one["epochs"]),
                _seconds(one["metrics"]),
            ]
            for one in found
        ]
        print_table(
            ["run", "status", "rmse", "biases", "epochs", "seconds"],
            rows,
            numbers=["rmse", "biases", "epochs", "seconds"],
        )


def inspect(
    path: Annotated[Path, typer.Argument(metavar="RUN_OR_CHECKPOINT", help="A run, a checkpoint or a serving folder.")],
    verify: Annotated[bool, typer.Option("--verify", help="Check the sha256 of every file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run or a checkpoint holds.

    Example: recsys inspect runs/movielens-small-20261124T215500Z --verify
    """
    from recsys.runs.overview import describe

    answer = describe(path, verify=verify)
    if as_json:
        print_json(answer)
    else:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _rmse(metrics: dict[str, Any] | None) -> tuple[str, str]:
    """The model's and that of the biases alone."""
    measured = metrics and (metrics["test"] or metrics["valid"])
    if not metrics or not measured:
        return "", ""
    return f"{measured['rmse']:.4f}", f"{metrics['baselines']['biases']['rmse']:.4f}"


def _seconds(metrics: dict[str, Any] | None) -> str:
    return f"{metrics['fit_seconds']:.1f}" if metrics else ""
