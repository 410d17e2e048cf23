"""recsys train."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.arguments import JsonOption
from recsys.cli.progress import speed, watching
from recsys.cli.render import BASELINES, print_json, print_scores, print_table, say
from recsys.errors import BelowBaselineError, RunError, StoppedError, UsageError

if TYPE_CHECKING:
    from recsys.config.config import Config
    from recsys.serving.store import Store


def train(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="What to do, as YAML.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key: training.n_epochs=5.")
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", metavar="DIR", help="Where to write. Default: a new folder under runs/.")
    ] = None,
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
    """Train a model and write a run.

    Example: recsys train --config config.yaml --set training.n_epochs=5
    """
    if checkpoint is not None and not resume:
        raise UsageError("--checkpoint names where to go on from", expected="--resume beside it")
    resolved, folder = _what_and_where(config, overrides or [], run_dir, resume)
    if dry_run:
        _dry_run(resolved, as_json)
        return
    metrics = _train(resolved, folder, resume, checkpoint)
    if as_json:
        print_json({**metrics, "run_dir": str(folder)})
    else:
        _summarise(metrics, folder)
    _check_baseline(metrics, fail_below_baseline)


def _what_and_where(
    config: Path | None, overrides: list[str], run_dir: Path | None, resume: bool
) -> tuple[Config, Path]:
    from recsys.config.load import load_config

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
        from recsys.runs.run import newest_unfinished

        return newest_unfinished(name, config)
    from recsys.runs.directory import new_run_folder

    return new_run_folder(name)


def _config_of(run_dir: Path) -> Path:
    from recsys.runs.directory import CONFIG

    if (run_dir / CONFIG).exists():
        return run_dir / CONFIG
    raise RunError(
        "there is no run in this folder",
        where=str(run_dir),
        expected=f"a run, with its {CONFIG}",
        hint="recsys runs lists the runs; --config FILE starts a new one",
    )


def _train(config: Config, folder: Path, resume: bool, checkpoint: str | None) -> dict[str, Any]:
    from recsys.runs.directory import CONFIG

    if config.training.patience is not None and config.training.schedule == "one_cycle":
        say("note: training.patience may stop one_cycle before its learning rate has come down, where most is gained")
    with watching() as observe:
        from recsys.workflows import train as workflow

        try:
            return workflow.train(config, folder, resume=resume, checkpoint=checkpoint, observe=observe)
        except StoppedError as stopped:
            if (folder / CONFIG).exists():
                stopped.hint = f"go on with it: recsys train --resume --run-dir {shlex.quote(str(folder))}"
            raise


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
            ["time", f"{needs['fit_seconds']:,.1f} s for {config.training.n_epochs} epochs"],
        ],
        numbers=["estimate"],
    )


def _summarise(metrics: dict[str, Any], folder: Path) -> None:
    measured_on = "test" if metrics["test"] else "valid"
    rows = [(part, metrics[part]) for part in ("valid", "test") if metrics[part]]
    if rows:
        print_scores([*rows, *((f"  {BASELINES[name]}", metrics["baselines"][name]) for name in BASELINES)])
    lines = [
        *_verdict(metrics, measured_on),
        f"{metrics['method']}, dim {metrics['embedding_dim']}: {metrics['train']['n_ratings']:,} training ratings,"
        f" {metrics['n_epochs']} epochs in {metrics['fit_seconds']:.1f} s,"
        f" {speed(metrics['ratings_per_second']).strip()}",
        f"run: {folder}",
        "",
        "Next:",
        *(f"  {line}" for line in _next_commands(folder)),
    ]
    typer.echo("\n".join(lines))


def _verdict(metrics: dict[str, Any], measured_on: str) -> list[str]:
    from recsys.evaluation.summary import beats_baseline

    better = beats_baseline(metrics)
    if better is None:
        return ["Nothing was held out, so nothing was measured."]
    ratio = metrics[measured_on]["rmse"] / metrics["baselines"]["biases"]["rmse"]
    if better:
        return [f"The model's {measured_on} rmse is {1 - ratio:.1%} below that of the biases alone."]
    worse = f"{ratio - 1:.1%} above" if ratio > 1.0005 else "as high as"
    return [
        f"The model does NOT beat the biases alone: its {measured_on} rmse is {worse} theirs.",
        "Fewer factors, more weight decay or more data may help.",
    ]


def _next_commands(folder: Path) -> list[str]:
    from recsys.runs.directory import finished_runs
    from recsys.serving.store import open_store

    store = open_store(folder)
    user, item = (str(ids[position]) for ids, position in ((store.users.ids, 0), (store.items.ids, _most_rated(store))))
    newest = finished_runs()[-1:]
    run = [] if newest and newest[0].samefile(folder) else ["--run", str(folder)]
    dashes = ["--"] if user.startswith("--") or item.startswith("--") else []
    return [
        shlex.join(["recsys", "predict", *run, *dashes, user, item]),
        shlex.join(["recsys", "recommend", *run, *dashes, user]),
        shlex.join(["recsys", "export-factors", *run, "--output", "factors"]),
    ]


def _most_rated(store: Store) -> int:
    return int(store.item_counts.argmax())


def _check_baseline(metrics: dict[str, Any], fail_below_baseline: bool) -> None:
    from recsys.evaluation.summary import beats_baseline

    better = beats_baseline(metrics)
    if fail_below_baseline and not better:
        what = (
            "the model is not better than the biases alone" if better is False else "nothing was held out to measure on"
        )
        raise BelowBaselineError(
            what,
            expected="a lower rmse, as --fail-below-baseline asks",
            hint="try fewer factors, more weight decay or more epochs; the run is kept",
        )
