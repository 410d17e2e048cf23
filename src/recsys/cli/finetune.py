"""recsys finetune and update."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recsys import api
from recsys.cli.arguments import (
    ConfigArgument,
    ConfigOption,
    JsonOption,
    RunDirOption,
    RunOption,
    SetOption,
    needed_config,
)
from recsys.cli.default_run import used_run
from recsys.cli.progress import watching
from recsys.cli.ranks import ranks_of_job
from recsys.cli.training import show_metrics


class Only(StrEnum):
    """Scorers that can be updated alone."""

    RANKING = "ranking"


def finetune(
    start: Annotated[Path, typer.Option("--from", metavar="RUN", help="The run to start from.")],
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Users and items of the run keep their embeddings; new ones are initialised.

    By layer group: training.freeze, training.lr_max=slice(1e-3).

    Example: recsys finetune --from runs/big --config small.yaml
    """
    config = needed_config(position, named)
    with ranks_of_job() as ranks:
        with watching() as observe:
            metrics = api.finetune(start, config, run_dir, overrides=overrides or (), observe=observe, ranks=ranks)
        show_metrics(metrics, as_json=as_json)


def update(
    ratings: Annotated[Path, typer.Option("--ratings", metavar="FILE", help="The new ratings.")],
    run: RunOption = None,
    only: Annotated[
        Only | None,
        typer.Option("--only", help="Train this scorer alone; predicted ratings stay those of the run."),
    ] = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Old ratings are replayed to avoid forgetting (start.replay: the share of them).

    Example: recsys update --ratings today.csv
    """
    with ranks_of_job() as ranks:
        used = used_run(run)
        with watching() as observe:
            metrics = api.update(
                ratings,
                used,
                run_dir,
                overrides=overrides or (),
                only="ranking" if only is Only.RANKING else None,
                observe=observe,
                ranks=ranks,
            )
        show_metrics(metrics, as_json=as_json)
