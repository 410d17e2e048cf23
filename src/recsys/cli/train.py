"""recsys train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from recsys.cli.arguments import JsonOption, RunDirOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import print_json, print_table
from recsys.cli.training import leave_cores_to_training, train_and_tell
from recsys.core.errors import BelowBaselineError, RunError, UsageError

if TYPE_CHECKING:
    from recsys.config.schema.config import Config
    from recsys.objectives.measure import Measured


def train(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="What to do, as YAML.")] = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run as if it had never stopped.")] = False,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="NAME", help="With --resume: go on from this one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the run would need, and write nothing.")] = False,
    fail_below_baseline: Annotated[
        bool, typer.Option("--fail-below-baseline", help="Exit with 7 if the biases alone are as good.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys train --config config.yaml --set training.n_epochs=5"""
    if checkpoint is not None and not resume:
        raise UsageError("--checkpoint names where to go on from", expected="--resume beside it")
    leave_cores_to_training()
    resolved, folder = _what_and_where(config, overrides or [], run_dir, resume)
    if dry_run:
        _dry_run(resolved, as_json)
        return
    metrics = train_and_tell(resolved, folder, as_json=as_json, resume=resume, checkpoint=checkpoint)
    _check_baseline(metrics, fail_below_baseline)


def _what_and_where(
    config: Path | None, overrides: list[str], run_dir: Path | None, resume: bool
) -> tuple[Config, Path]:
    from recsys.config.loading.load import load_config

    if config is None and not (resume and run_dir):
        raise UsageError(
            "no config is named",
            expected="--config FILE, or --resume with --run-dir DIR",
            hint="recsys init RATINGS.csv writes a config for your file",
        )
    if config is None:
        assert run_dir is not None
        return load_config(_config_of(run_dir), overrides), run_dir
    resolved = load_config(config, overrides)
    return resolved, run_dir if run_dir is not None else _folder(config.stem, resolved, resume)


def _folder(name: str, config: Config, resume: bool) -> Path:
    """The run to go on with, or a new folder."""
    if resume:
        from recsys.artifacts.run import newest_unfinished

        return newest_unfinished(name, config)
    from recsys.artifacts.directory import new_run_folder

    return new_run_folder(name)


def _config_of(run_dir: Path) -> Path:
    from recsys.artifacts.directory import CONFIG

    if (run_dir / CONFIG).exists():
        return run_dir / CONFIG
    raise RunError(
        "there is no run in this folder",
        where=str(run_dir),
        expected=f"a run, with its {CONFIG}",
        hint="recsys runs lists the runs; --config FILE starts a new one",
    )


def _dry_run(config: Config, as_json: bool) -> None:
    with watching() as observe:
        from recsys.workflows.estimate import estimate

        needs = estimate(config, observe)
    if as_json:
        print_json(needs)
        return
    print_table(
        ["", "estimate"],
        [
            ["training ratings", f"{needs['n_ratings']:,} by {needs['n_users']:,} users of {needs['n_items']:,} items"],
            ["parameters", f"{needs['n_parameters']:,}"],
            ["memory for the data", f"{needs['data_bytes'] / 1e6:,.0f} MB"],
            ["memory to train", f"{needs['training_bytes'] / 1e6:,.0f} MB"],
            ["peak of the process, about", f"{needs['peak_bytes'] / 1e6:,.0f} MB"],
            ["time", f"{needs['fit_seconds']:,.1f} s for {needs['n_epochs']} epochs"],
        ],
        numbers=["estimate"],
    )


def _check_baseline(metrics: dict[str, Any], fail_below_baseline: bool) -> None:
    from recsys.objectives.measure import beats_baseline
    from recsys.objectives.specs import OBJECTIVES

    better = beats_baseline(OBJECTIVES["rating"], cast("Measured", metrics))
    if fail_below_baseline and not better:
        what = (
            "the model is not better than the biases alone" if better is False else "nothing was held out to measure on"
        )
        raise BelowBaselineError(
            what,
            expected="a lower rmse, as --fail-below-baseline asks",
            hint="try fewer factors, more weight decay or more epochs; the run is kept",
        )
