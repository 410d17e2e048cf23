"""recsys finetune and update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys.cli.arguments import JsonOption, RunDirOption, RunOption, SetOption
from recsys.cli.training import train_and_tell

if TYPE_CHECKING:
    from recsys.config.schema.config import Config


def finetune(
    start: Annotated[Path, typer.Option("--from", metavar="RUN", help="The run to start from.")],
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="What to do, as YAML, with the new ratings.")
    ],
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Users and items that the run knows keep their rows; new ones get fresh ones. By layer group: training.freeze, and
    learning rates as training.lr_max: slice(1e-3).

    Example: recsys finetune --from runs/big --config small.yaml
    """
    from recsys.workflows.update import finetune_config

    _train(finetune_config(start, config, overrides or []), config.stem, run_dir, as_json)


def update(
    ratings: Annotated[Path, typer.Option("--ratings", metavar="FILE", help="The new ratings.")],
    run: RunOption = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Old ratings are replayed (start.replay: the share of them), so that nothing is forgotten.

    Example: recsys update --ratings today.csv
    """
    from recsys.artifacts.directory import config_name
    from recsys.workflows.update import update_config

    config = update_config(run, ratings, overrides or [])
    assert config.start is not None
    _train(config, config_name(config.start.run), run_dir, as_json)


def _train(config: Config, name: str, run_dir: Path | None, as_json: bool) -> None:
    from recsys.artifacts.directory import new_run_folder

    train_and_tell(config, run_dir if run_dir is not None else new_run_folder(name), as_json=as_json)
