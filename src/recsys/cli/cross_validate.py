"""recsys cross-validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recsys import api
from recsys.cli.arguments import JsonOption, SetOption
from recsys.cli.progress import watching
from recsys.cli.render import BASELINE, BASELINES, COUNTS, paragraph, print_json, print_table
from recsys.cli.threads import leave_cores_to_training
from recsys.core.errors import UsageError

N_FOLDS = 5


def cross_validate(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The config, as YAML.")],
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
        typer.Option("--run-dir", metavar="DIR", help="Keep the runs in this folder. Default: they are not kept."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, metavar="N", help="How many to train at a time. Default: one per core."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Example: recsys cross-validate --config config.yaml --folds 10"""
    files = _files(folds, train_files, test_files, compare_splits)
    leave_cores_to_training()
    resolved = api.load_config(config, overrides or [])
    with watching() as observe:
        if compare_splits:
            answer = api.compare_splits(resolved, run_dir, jobs=jobs, observe=observe)
        else:
            answer = api.cross_validate(
                resolved, folds or N_FOLDS, files=files, run_dir=run_dir, jobs=jobs, observe=observe
            )
    if as_json:
        print_json(answer)
    elif compare_splits:
        _show_splits(answer["splits"])
    else:
        _show_folds(answer["folds"])
        _show_summary(answer)


def _files(folds: int | None, train: str | None, test: str | None, compare_splits: bool) -> tuple[str, str] | None:
    given = [name for name, one in (("--train-files", train), ("--test-files", test)) if one is not None]
    asked = [*(["--folds"] if folds else []), *given[:1], *(["--compare-splits"] if compare_splits else [])]
    if len(asked) > 1:
        raise UsageError(f"{asked[0]} and {asked[1]} exclude each other", expected="one of them")
    if train is None and test is None:
        return None
    if train is None or test is None:
        raise UsageError(f"{given[0]} stands alone", expected="--train-files and --test-files")
    return train, test


def _show_folds(folds: list[dict[str, Any]]) -> None:
    numbers = ["rmse", BASELINE, "difference", "n test\nratings", *COUNTS[1:]]
    rows = [[f"fold {one['fold']}", *_measured(one)] for one in folds]
    print_table(["", *numbers], rows, numbers=numbers)


def _show_splits(splits: list[dict[str, Any]]) -> None:
    numbers = ["rmse", BASELINE, "difference", "n test\nratings", *COUNTS[1:]]
    print_table(["", *numbers], [[one["method"], *_measured(one)] for one in splits], numbers=numbers)
    typer.echo()
    for one in splits:
        typer.echo("\n".join(paragraph(f"{one['method']}: {one['asks']}")))


def _measured(one: dict[str, Any]) -> list[str]:
    biases = one["baselines"]["biases"]["rmse"]
    counts = ("n_ratings", "n_unknown_users", "n_unknown_items")
    return [
        f"{one['rmse']:.4f}",
        f"{biases:.4f}",
        f"{one['rmse'] - biases:+.4f}",
        *(f"{one[count]:,}" for count in counts),
    ]


def _show_summary(answer: dict[str, Any]) -> None:
    numbers = ["rmse", "sd of rmse", "mae", "sd of mae"]
    rows = [("model", answer["model"])]
    rows += [(f"  {BASELINES[name]}", answer["baselines"][name]) for name in BASELINES]
    typer.echo()
    print_table(
        [f"mean of {answer['n_folds']} folds", *numbers],
        [
            [label, *(f"{one[metric][part]:.4f}" for metric in ("rmse", "mae") for part in ("mean", "std"))]
            for label, one in rows
        ],
        numbers=numbers,
    )
    typer.echo("\n".join(["", *paragraph(_verdict(answer["difference"]))]))


def _verdict(difference: dict[str, Any]) -> str:
    rmse, level = difference["rmse"], f"{difference['level']:.0%}"
    within = f"({level} paired t interval {rmse['low']:+.4f} to {rmse['high']:+.4f})"
    guide = "Folds share training ratings, so the interval is approximate."
    if rmse["low"] <= 0 <= rmse["high"]:
        return f"No significant difference between the model and the bias-only baseline {within}. {guide}"
    below = "below" if rmse["mean"] < 0 else "above"
    return f"The model's rmse is {abs(rmse['mean']):.4f} {below} the bias-only baseline {within}. {guide}"
