"""recsys cross-validate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recsys import api
from recsys.cli.arguments import ConfigArgument, ConfigOption, JsonOption, SetOption, needed_config
from recsys.cli.progress import watching
from recsys.cli.render import echo, paragraph, print_json, print_table
from recsys.cli.scores import (
    baseline_header,
    baseline_label,
    baseline_rows,
    count_label,
    counts_of,
    metric_label,
    scorer_label,
)
from recsys.cli.threads import leave_cores_to_training
from recsys.core.errors import UsageError

if TYPE_CHECKING:
    from recsys.evaluation.folds import FoldsSummary
    from recsys.objectives.objective import Objective
    from recsys.workflows.cross_validate import CrossValidation, FoldResult, SplitComparison, SplitResult

N_FOLDS = 5


def cross_validate(
    position: ConfigArgument = None,
    named: ConfigOption = None,
    overrides: SetOption = None,
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, metavar="K", help="Number of folds to draw. Default: 5.")
    ] = None,
    train_files: Annotated[
        str | None,
        typer.Option("--train-files", metavar="PATTERN", help="Train files of given folds: 'u{fold}.train.csv'."),
    ] = None,
    test_files: Annotated[
        str | None,
        typer.Option("--test-files", metavar="PATTERN", help="Test files of given folds: 'u{fold}.test.csv'."),
    ] = None,
    compare_splits: Annotated[
        bool, typer.Option("--compare-splits", help="Instead of folds: split by random, user_time, leave_last, time.")
    ] = False,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            "--run-dir",
            metavar="DIR",
            help="Keep the runs here; the same command resumes. Default: not kept.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, metavar="N", help="How many to train at a time. Default: one per core."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys cross-validate --config config.yaml --folds 10"""
    files = _files(folds, train_files, test_files, compare_splits)
    config = needed_config(position, named)
    leave_cores_to_training()
    resolved = api.load_config(config, overrides or [])
    if compare_splits:
        with watching() as observe:
            comparison = api.split_comparison(resolved, run_dir, jobs=jobs, observe=observe)
        if as_json:
            print_json(comparison.to_dict())
        else:
            _show_splits(comparison)
        return
    with watching() as observe:
        validation = api.cross_validation(
            resolved, folds or N_FOLDS, files=files, run_dir=run_dir, jobs=jobs, observe=observe
        )
    if as_json:
        print_json(validation.to_dict())
    else:
        _show_folds(validation)


def _files(folds: int | None, train: str | None, test: str | None, compare_splits: bool) -> tuple[str, str] | None:
    given = [name for name, pattern in (("--train-files", train), ("--test-files", test)) if pattern is not None]
    options = [*(["--folds"] if folds else []), *given[:1], *(["--compare-splits"] if compare_splits else [])]
    if len(options) > 1:
        raise UsageError(f"{options[0]} and {options[1]} exclude each other", expected="one of them")
    if train is None and test is None:
        return None
    if train is None or test is None:
        raise UsageError(f"{given[0]} stands alone", expected="--train-files and --test-files")
    return train, test


def _show_splits(comparison: SplitComparison) -> None:
    objective = comparison.objective
    _show_runs(objective, {split.method: split for split in comparison.splits}, objective.baseline_to_beat)
    echo()
    for split in comparison.splits:
        echo("\n".join(paragraph(f"{split.method}: {split.asks}")))


def _show_folds(validation: CrossValidation) -> None:
    _show_validation(scorer_label(validation.objective.name, validation.objective), validation)
    for name, other in validation.others.items():
        echo()
        _show_validation(baseline_label(name), other)


def _show_validation(scorer: str, validation: CrossValidation) -> None:
    folds = {f"fold {fold.fold}": fold for fold in validation.folds}
    _show_runs(validation.objective, folds, validation.summary.reference)
    _show_summary(scorer, validation.objective, validation.summary, len(validation.folds))


def _show_runs(objective: Objective, runs: Mapping[str, FoldResult | SplitResult], baseline: str) -> None:
    """The deciding metric of each run beside that of a baseline, and the counts."""
    counts = counts_of(next(iter(runs.values())).scores)
    labels = [re.sub("^n ", "n test\n", count_label(name)) for name in counts]
    columns = [objective.deciding_metric, baseline_header(baseline), "difference", *labels]
    rows = []
    for name, run in runs.items():
        ours, theirs = objective.value(run.scores), objective.value(run.baselines[baseline])
        figures = [f"{ours:.4f}", f"{theirs:.4f}", f"{ours - theirs:+.4f}"]
        rows.append([name, *figures, *(f"{run.scores[count]:,}" for count in counts)])
    print_table(["", *columns], rows, numbers=columns)


def _show_summary(scorer: str, objective: Objective, summary: FoldsSummary, n_folds: int) -> None:
    optional = [name for name in objective.optional_metrics[:1] if name in summary.model]
    metrics = [*objective.metrics[:2], *optional]
    columns = [column for metric in metrics for column in (metric_label(metric), "sd")]
    rows = [
        [label, *(f"{value:.4f}" for metric in metrics for value in (spreads[metric].mean, spreads[metric].std))]
        for label, spreads in [(scorer, summary.model), *baseline_rows(objective, summary.baselines)]
    ]
    echo()
    print_table([f"mean of {n_folds} folds", *columns], rows, numbers=columns)
    echo("\n".join(["", *paragraph(_verdict(scorer, objective, summary))]))


def _verdict(scorer: str, objective: Objective, summary: FoldsSummary) -> str:
    metric, baseline = objective.deciding_metric, baseline_label(summary.reference)
    ours, level = summary.differences[metric], f"{summary.level:.0%}"
    within = f"({level} paired t interval {ours.low:+.4f} to {ours.high:+.4f})"
    guide = "Folds share training ratings, so the interval is approximate."
    if ours.low <= 0 <= ours.high:
        return f"No significant difference between the {scorer} and the {baseline} {within}. {guide}"
    below = "below" if ours.mean < 0 else "above"
    return f"The {scorer}'s {metric} is {abs(ours.mean):.4f} {below} the {baseline} {within}. {guide}"
