"""recsys tune."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli.arguments import JsonOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import BASELINES, print_json, print_table
from recsys.cli.training import leave_cores_to_training
from recsys.core.errors import RunError, StoppedError

if TYPE_CHECKING:
    from recsys.workflows.tune import Tuned

WRITTEN_BY = "# Written by recsys tune"


def tune(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="What to tune, as YAML.")],
    n_trials: Annotated[int, typer.Option("--trials", min=1, metavar="N", help="Trials of the study in all.")] = 50,
    overrides: SetOption = None,
    space: Annotated[
        Path | None, typer.Option("--space", metavar="FILE", help="What to try, as YAML. Default: by method and model.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option("--storage", metavar="URL", help="Where the study is kept. Default: sqlite:///NAME-tune.db."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The config to write. Default: NAME-tuned.yaml.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The same command again goes on with the study.

    Example: recsys tune --config config.yaml --trials 30
    """
    leave_cores_to_training()
    from recsys.config.loading.load import dump, load_config
    from recsys.config.space import default_space, read_space

    output = Path(f"{config.stem}-tuned.yaml") if output is None else output
    storage = f"sqlite:///{config.stem}-tune.db" if storage is None else storage
    resolved = load_config(config, overrides or [])
    tried = default_space(resolved) if space is None else read_space(space, resolved)
    _check_output(output)
    from recsys.core.files import write_text
    from recsys.workflows import tune as workflow

    workflow.check_optuna()
    with watching() as observe:
        try:
            found = workflow.tune(resolved, n_trials, tried, storage, observe)
        except StoppedError as stopped:
            stopped.hint = f"finished trials are in {storage}: the same command goes on with them"
            raise
    metric = found.objective.deciding_metric
    about = f"{WRITTEN_BY}: valid {metric} {found.best.metric:.4f} after {found.n_trials} trials ({storage})\n"
    write_text(output, about + dump(found.config))
    if as_json:
        print_json({**found.to_dict(), "storage": storage, "output": str(output)})
    else:
        _show(found, output)


def _check_output(path: Path) -> None:
    if path.exists() and not (path.is_file() and path.read_text("utf-8", "replace").startswith(WRITTEN_BY)):
        raise RunError(
            "there is a file already",
            where=str(path),
            expected="a new file, or one that recsys tune has written",
            hint="choose another --output",
        )


def _show(found: Tuned, output: Path) -> None:
    best, metric = found.best, f"valid {found.objective.deciding_metric}"
    print_table(
        [metric, "", "ratings"],
        [
            [f"{value:.4f}", name, f"{found.n_ratings:,}"]
            for name, value in (
                (f"best, trial {best.trial}" if best.trial else "none was better", best.metric),
                ("the config as it is", found.as_it_is),
                (f"  {BASELINES[found.objective.baseline_to_beat]}", found.baseline),
            )
        ],
        numbers=[metric, "ratings"],
    )
    typer.echo(f"{found.n_trials} trials, {found.n_pruned} pruned, {found.n_failed} failed")
    for key, value in best.values.items():
        typer.echo(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}")
    typer.echo(f"\nThe best of many on valid looks better there than it is.\nNext: recsys train --config {output}")
