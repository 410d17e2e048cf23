"""recsys inspect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys import api
from recsys.cli.arguments import JsonOption
from recsys.cli.default_run import used_run
from recsys.cli.render import echo, print_json, print_table
from recsys.cli.scores import PARTS, baseline_label
from recsys.core.errors import UsageError
from recsys.core.words import counted, joined

if TYPE_CHECKING:
    from recsys.artifacts.metrics import RunMetrics, ScorerMetrics

Rows = list[list[str]]


def inspect(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN_OR_CHECKPOINT",
            help="A run, a checkpoint, a serving folder or a prepared store. Default: the promoted run, else the"
            " newest finished one.",
        ),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Verify the sha256 of every file.")] = False,
    layers: Annotated[bool, typer.Option("--layers", help="Show the layers of the model.")] = False,
    scorer: Annotated[
        str | None, typer.Option("--scorer", help="With --layers: rating or ranking; left out: the run's first.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """All of it in JSON: --json

    Example: recsys inspect mine --layers
    """
    if scorer is not None and not layers:
        raise UsageError("--scorer applies only with --layers", expected="--layers --scorer NAME")
    path = used_run(path)
    answer = api.inspect(path, verify=verify)
    if layers:
        _show_layers(path, scorer, as_json)
    elif as_json:
        print_json(answer)
    else:
        kind, rows = _contents(answer)
        print_table([kind, str(answer["path"])], rows)


def _contents(answer: Mapping[str, Any]) -> tuple[str, Rows]:
    """What a folder is, and the rows of its table."""
    n = answer["n_verified"]
    verified = [["verified", f"{counted(n, 'file')}, all as they were written"]] if n else []
    if "checkpoints" in answer:
        return "run", _of_run(answer) + verified
    if answer.get("kind") == "prepared ratings":
        return "prepared store", _of_store(answer) + verified
    if "epoch" in answer:
        return "checkpoint", _of_checkpoint(answer) + verified
    return "serving folder", _of_bundle(answer) + verified


def _of_run(run: Mapping[str, Any]) -> Rows:
    metrics: RunMetrics | None = run["metrics"]
    last, names = run.get("last"), run["checkpoints"]
    default = ", the default run" if run["default"] else ""
    rows = [["status", f"{run['status']}, {counted(run['epochs'], 'epoch')}{default}"]]
    rows += [["parent", run["parent"]]] if run["parent"] else []
    if metrics is not None:
        rows += [[baseline_label(name), _scorer(scorer)] for name, scorer in api.scorer_metrics(metrics).items()]
    rows += _of_bundle(run["serving"])[1:] if "serving" in run else []
    rows += [["measured", f"before the refit: {_files(run['measured'])}"]] if "measured" in run else []
    rows.append(["checkpoints", joined(names, "and") if names else "none"])
    return rows + ([row for row in _of_checkpoint(last) if row[0] in ("seed", "versions")] if last else [])


def _scorer(scorer: ScorerMetrics) -> str:
    """How it was trained, and what it reached."""
    objective = api.find_objective(scorer["objective"])
    part = "test" if scorer["test"] else "valid"
    scores, to_beat = scorer["test"] or scorer["valid"], scorer["baselines"][objective.baseline_to_beat]
    trained = f"{scorer['method']}, {counted(scorer['n_epochs'], 'epoch')}"
    if scores is None or to_beat is None:
        return trained
    against = f"{baseline_label(objective.baseline_to_beat)} {objective.value(to_beat):.4f}"
    return f"{trained}: {PARTS[part]} {objective.deciding_metric} {objective.value(scores):.4f}, {against}"


def _of_checkpoint(checkpoint: Mapping[str, Any]) -> Rows:
    before = [f"{name}, epoch {entry['epoch']}" for name, entry in checkpoint.get("finished", {}).items()]
    versions = [f"{name} {version}" for name, version in checkpoint["versions"].items()]
    return [
        ["fit", f"{checkpoint['fit']}, epoch {checkpoint['epoch']}"],
        *([["fits before it", joined(before, "and")]] if before else []),
        ["seed", str(checkpoint["seed"])],
        ["versions", ", ".join(versions)],
        ["files", _files(checkpoint)],
    ]


def _of_bundle(bundle: Mapping[str, Any]) -> Rows:
    n, n_rated = bundle["n_interactions"], bundle["n_ratings"]
    rows = counted(n, "rating") if n == n_rated else f"{counted(n, 'interaction')}, {n_rated:,} of them rated"
    on = "all of the ratings" if bundle.get("trained_on") == "all" else "the training part"
    return [
        ["run", bundle["run"]],
        ["models", ", ".join(f"{name}: {entry['model']}" for name, entry in bundle["scorers"].items())],
        ["trained on", f"{on}: {rows} by {counted(bundle['n_users'], 'user')} of {counted(bundle['n_items'], 'item')}"],
        *([f"{role} features", _features(role, entry)] for role, entry in bundle.get("features", {}).items()),
        ["serving files", _files(bundle)],
    ]


def _features(role: str, entry: Mapping[str, Any]) -> str:
    """The columns that are used, and of how many items or users."""
    columns = [f"{column['source']} ({column['kind']})" for column in entry["columns"]]
    return f"{joined(columns, 'and')} of {counted(entry['n_rows'], role)}"


def _of_store(store: Mapping[str, Any]) -> Rows:
    order, sources = store["order"], store["sources"]
    blocks = "none: training reads all of it into memory" if order is None else f"for sgd of dim {order['dim']}"
    users, items = counted(store["n_users"], "user"), counted(store["n_items"], "item")
    return [
        ["training rows", f"{store['n_interactions']:,} of {users} and {items}"],
        ["split", f"{store['split']['method']}, seed {store['seed']}"],
        ["blocks", blocks],
        *([f"sha256 {part}", source["sha256"]] for part, source in sources.items()),
        ["files", _files(store)],
    ]


def _files(folder: Mapping[str, Any]) -> str:
    sizes = [entry["bytes"] for entry in folder["files"].values()]
    verified = "verified" if folder["verified"] else "not verified: --verify does"
    return f"{counted(len(sizes), 'file')}, {sum(sizes) / 1e6:,.1f} MB, {verified}"


def _show_layers(path: Path, scorer: str | None, as_json: bool) -> None:
    model = api.layers(path, scorer=scorer)
    layers, link = model.layers, model.link
    total = sum(layer.n_parameters for layer in layers)
    moving = sum(layer.n_parameters for layer in layers if not layer.frozen)
    if as_json:
        rows = [vars(layer) | {"shape": list(layer.shape)} for layer in layers]
        print_json({"layers": rows, "link": link and link.to_dict(), "n_parameters": total, "n_trainable": moving})
        return
    print_table(
        ["layer", "kind", "shape", "parameters", "group", "frozen"],
        [
            [
                layer.name,
                layer.kind,
                " × ".join(f"{length:,}" for length in layer.shape),
                f"{layer.n_parameters:,}" if layer.n_parameters else "",
                layer.group or "",
                {True: "yes", False: "no", None: ""}[layer.frozen],
            ]
            for layer in layers
        ],
        numbers=["parameters"],
    )
    echo(counted(total, "parameter") + (f", {total - moving:,} of them frozen" if moving < total else ""))
    if link is not None and link.kind != "identity":
        echo(f"{link.kind}: ratings from {link.low:g} to {link.high:g}")
