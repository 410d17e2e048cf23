"""recsys train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigArgument, ConfigOption, JsonOption, RunDirOption, SetOption, either_config
from recsys.cli.dry_run import show_estimate
from recsys.cli.progress import watching
from recsys.cli.ranks import ranks_of_job
from recsys.cli.render import print_json
from recsys.cli.scores import baseline_label, scorer_label
from recsys.cli.threads import leave_cores_to_training
from recsys.cli.training import show_metrics
from recsys.core.errors import BelowBaselineError, UsageError

if TYPE_CHECKING:
    from recsys.artifacts.metrics import RunMetrics
    from recsys.config.schema.config import Config


def train(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: SetOption = None,
    run_dir: RunDirOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume exactly where the run stopped.")] = False,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="NAME", help="With --resume: from this checkpoint, not the newest."),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="After measuring, train once more on all ratings and serve that.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate memory, disk and time, and write nothing.")
    ] = False,
    n_ranks: Annotated[
        int | None,
        typer.Option("--ranks", min=1, metavar="N", help="With --dry-run: estimate what N ranks would send."),
    ] = None,
    fail_below_baseline: Annotated[
        bool, typer.Option("--fail-below-baseline", help="Exit with code 7 unless better than the baselines.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys train --config config.yaml --set training.n_epochs=5"""
    if checkpoint is not None and not resume:
        raise UsageError("--checkpoint applies only with --resume", expected="--resume --checkpoint NAME")
    if n_ranks is not None and not dry_run:
        raise UsageError(
            "--ranks applies only with --dry-run",
            expected="--dry-run --ranks N",
            hint="torchrun starts ranks: torchrun --nproc-per-node N --no-python recsys train CONFIG",
        )
    config = either_config(position, named)
    if config is None and not (resume and run_dir):
        raise UsageError(
            "no config is given",
            expected="CONFIG, or --resume with --run-dir DIR",
            hint="recsys init RATINGS.csv writes a config for your file",
        )
    leave_cores_to_training()
    with ranks_of_job() as ranks:
        resolved = _config(config, run_dir, [*(overrides or []), *(["refit=true"] if refit else [])])
        if dry_run:
            _dry_run(resolved, run_dir, ranks.size if n_ranks is None else n_ranks, as_json=as_json)
            return
        with watching() as observe:
            name = None if config is None else config.stem
            metrics = api.train(
                resolved, run_dir, name=name, resume=resume, checkpoint=checkpoint, observe=observe, ranks=ranks
            )
        show_metrics(metrics, as_json=as_json)
        _check_baseline(metrics, fail_below_baseline)


def _config(config: Path | None, run_dir: Path | None, overrides: list[str]) -> Config:
    """That of the file, or of the run that is resumed."""
    if config is not None:
        return api.load_config(config, overrides)
    assert run_dir is not None
    return api.run_config(run_dir, overrides)


def _dry_run(config: Config, run_dir: Path | None, n_ranks: int, *, as_json: bool) -> None:
    with watching() as observe:
        needs = api.estimate(config, n_ranks=n_ranks, observe=observe)
    if as_json:
        print_json(needs)
    else:
        show_estimate(needs, run_dir, refit=config.refit)


def _check_baseline(metrics: RunMetrics, fail_below_baseline: bool) -> None:
    """By the first scorer that is not better than its baseline."""
    if not fail_below_baseline or api.beats_baseline(metrics):
        return
    verdicts = api.baseline_verdicts(metrics)
    name = next((name for name, better in verdicts.items() if better is False), metrics["objective"])
    measured = api.scorer_metrics(metrics)[name]
    objective, difference = api.find_objective(measured["objective"]), measured.get("difference")
    scorer, baseline = scorer_label(name, objective), difference["baseline"] if difference else ""
    side = "lower" if objective.direction == "minimize" else "higher"
    raise BelowBaselineError(
        f"the {scorer} is not better than the {baseline_label(baseline)}"
        if verdicts[name] is False
        else "no ratings were held out to evaluate on",
        expected=f"a {side} {objective.deciding_metric}, as --fail-below-baseline asks",
        hint="try fewer factors, more weight decay or more epochs; the run is kept",
    )
