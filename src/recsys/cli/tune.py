"""recsys tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json, print_table
from recsys.cli.scores import baseline_label
from recsys.cli.threads import leave_cores_to_training


def tune(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The config, as YAML.")],
    n_trials: Annotated[
        int, typer.Option("--trials", min=1, metavar="N", help="Total number of trials in the study.")
    ] = 50,
    overrides: SetOption = None,
    space: Annotated[
        Path | None,
        typer.Option("--space", metavar="FILE", help="The search space, as YAML. Default: by method and model."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="The database of the study. Default: sqlite:///NAME-tune.db."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The config to write. Default: NAME-tuned.yaml.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the same command again to resume the study.

    Example: recsys tune --config config.yaml --trials 30
    """
    leave_cores_to_training()
    output = Path(f"{config.stem}-tuned.yaml") if output is None else output
    storage = f"sqlite:///{config.stem}-tune.db" if storage is None else storage
    resolved = api.load_config(config, overrides or [])
    with watching() as observe:
        found = api.tune(resolved, n_trials, storage=storage, space=space, output=output, observe=observe)
    del found["config"]  # it is in the file
    if as_json:
        print_json({**found, "storage": storage, "output": str(output)})
    else:
        _show(found, output)


def _show(found: dict[str, Any], output: Path) -> None:
    objective = api.find_objective(found["objective"])
    best, metric, baseline = found["best"], objective.deciding_metric, objective.baseline_to_beat
    label = f"best, trial {best['trial']}" if best["trial"] else "no trial beat your config"
    rows = [
        (best[metric], label),
        (found["as_it_is"], "your config"),
        (found[baseline], f"  {baseline_label(baseline)}"),
    ]
    print_table(
        [f"validation {metric}", "", "n ratings"],
        [[f"{value:.4f}", name, f"{found['n_ratings']:,}"] for value, name in rows],
        numbers=[f"validation {metric}", "n ratings"],
    )
    typer.echo(f"{found['n_trials']} trials, {found['n_pruned']} pruned, {found['n_failed']} failed")
    for key, value in best["values"].items():
        typer.echo(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}")
    typer.echo(f"\nThe winner's validation score is optimistic; confirm on test.\nNext: recsys train --config {output}")
