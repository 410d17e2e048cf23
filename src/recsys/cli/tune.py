"""recsys tune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigArgument, ConfigOption, JsonOption, SetOption, needed_config
from recsys.cli.progress import watching
from recsys.cli.render import echo, print_json, print_table
from recsys.cli.scores import baseline_label
from recsys.cli.threads import leave_cores_to_training
from recsys.core.words import counted, shell_command

if TYPE_CHECKING:
    from recsys.workflows.tuned_config import Tuned


def tune(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    n_trials: Annotated[
        int, typer.Option("--trials", min=1, metavar="N", help="Total number of trials in the study.")
    ] = 50,
    overrides: SetOption = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="By what to choose, such as rmse or ndcg@10. Default: rmse."),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option("--space", metavar="FILE", help="The search space, as YAML. Default: by method and model."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="The database of the study. Default: sqlite:///NAME-tune.db."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="The config to write if one is better. Default: NAME-tuned.yaml."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the same command again to resume the study.

    Example: recsys tune --config config.yaml --trials 30
    """
    config = needed_config(position, named)
    leave_cores_to_training()
    output = Path(f"{config.stem}-tuned.yaml") if output is None else output
    storage = f"sqlite:///{config.stem}-tune.db" if storage is None else storage
    with watching() as observe:
        tuned = api.tuning_result(
            config,
            n_trials,
            storage=storage,
            overrides=overrides or (),
            metric=metric,
            space=space,
            output=output,
            observe=observe,
        )
    if as_json:
        print_json({**tuned.to_dict(), "storage": storage, "output": str(output) if tuned.is_better else None})
    else:
        _show(tuned, output)


def _show(tuned: Tuned, output: Path) -> None:
    best, metric = tuned.best, tuned.objective.deciding_metric
    rows = [
        *([(best.metric, f"best, trial {best.trial}")] if tuned.is_better else []),
        (tuned.as_it_is, "your config"),
        (tuned.baseline, f"  {baseline_label(tuned.objective.baseline_to_beat)}"),
    ]
    print_table(
        [f"validation {metric}", "", "n ratings"],
        [[f"{value:.4f}", name, f"{tuned.n_ratings:,}"] for value, name in rows],
        numbers=[f"validation {metric}", "n ratings"],
    )
    echo(f"{counted(tuned.n_trials, 'trial')}, {tuned.n_pruned} pruned, {tuned.n_failed} failed")
    if not tuned.is_better:
        echo("\nNo trial beat your config: keep it. Nothing was written.")
        return
    for key, value in best.values.items():
        echo(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}")
    train = shell_command(["recsys", "train", "--config", str(output)])
    echo(f"\nThe winner's validation score is optimistic; confirm on test.\nNext: {train}")
