"""What train, finetune and update print at their end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.cli.default_run import worse_lines
from recsys.cli.progress import speed
from recsys.cli.render import echo, paragraph, print_json, print_table, say, signed
from recsys.cli.scores import PARTS, baseline_label, baseline_rows, print_scores, scorer_label
from recsys.core.words import counted, shell_command

if TYPE_CHECKING:
    from recsys.artifacts.metrics import (
        GroupMetrics,
        RefitMetrics,
        RunMetrics,
        RunResult,
        ScorerMetrics,
        StartMetrics,
        TrainCounts,
    )
    from recsys.objectives.objective import Objective

SAME = "no different from"
SMALLEST = 1e-6  # of a metric in whose shares others can be told


def show_metrics(metrics: RunResult, *, as_json: bool) -> None:
    """Prints how a training went."""
    if as_json:
        print_json(metrics)
    else:
        _summarise(metrics, metrics["run_dir"])


def _summarise(metrics: RunResult, folder: str) -> None:
    first, *others = api.scorer_metrics(metrics).items()
    objective = api.find_objective(metrics["objective"])
    _show_scores(*first)
    if "start" in metrics:
        _show_start(objective, metrics["start"], "ratings" if metrics["train"]["n_ratings"] else "interactions")
    if (metrics["groups"] and "start" in metrics) or len({group["lr_max"] for group in metrics["groups"]}) > 1:
        _show_groups(metrics["groups"])
    n_training = metrics["train"]["n_interactions"]
    echo("\n".join(_verdict(scorer_label(first[0], objective), metrics, n_training)))
    echo(
        f"{_method(metrics)}, {_dims(metrics['embedding_dim'])}: {_training_rows(metrics['train'])},"
        f" {_duration(metrics)}, {speed(metrics['ratings_per_second'], first[0]).strip()}"
    )
    for name, scorer in others:
        echo()
        _show_scores(name, scorer)
        echo("\n".join(_verdict(baseline_label(name), scorer, n_training)))
        echo(f"{scorer['method']}, {_dims(scorer['embedding_dim'])}: {_duration(scorer)}")
    if "refit" in metrics:
        echo("\n".join(["", *paragraph(_refit(metrics["refit"]))]))
    lines = [
        f"run: {folder}",
        *worse_lines(Path(folder).name, api.better_runs(folder)),
        "",
        "Next:",
        *(f"  {line}" for line in _next_commands(folder)),
    ]
    echo("\n".join(lines))


def _refit(fits: Mapping[str, RefitMetrics]) -> str:
    """What is served instead of what was measured."""
    times = " and ".join(
        f"the {baseline_label(name)} on {counted(fit['n_interactions'], 'interaction')} in {fit['fit_seconds']:.1f} s"
        for name, fit in fits.items()
    )
    return (
        f"Trained once more on all data, which is served: {times}. The figures are of training without held-out data."
    )


def _show_scores(name: str, metrics: ScorerMetrics) -> None:
    """The parts that a scorer was measured on, and beside it what was measured on the last of them."""
    objective = api.find_objective(metrics["objective"])
    parts = {"valid": metrics["valid"], "test": metrics["test"]}
    measured = [(PARTS[part], scores) for part, scores in parts.items() if scores]
    others = list(baseline_rows(objective, metrics["baselines"]))
    if measured and objective.also_measured:
        part, scores = measured[-1]
        print_scores(objective, [(baseline_label(name), scores), *others], title=f"{objective.name}, {part}")
    elif measured:
        print_scores(objective, [*measured, *others])


def _training_rows(counts: TrainCounts) -> str:
    n_ratings, n_interactions = counts["n_ratings"], counts["n_interactions"]
    return counted(n_ratings, "training rating") if n_ratings else counted(n_interactions, "training interaction")


def _duration(metrics: ScorerMetrics) -> str:
    return f"{counted(metrics['n_epochs'], 'epoch')} in {metrics['fit_seconds']:.1f} s"


def _method(metrics: RunMetrics) -> str:
    """With the likelihood where it is not the usual one, since the ratings may have decided it."""
    is_tobit = metrics["link"] is not None and metrics["link"]["kind"] == "tobit"
    return f"{metrics['method']} with a tobit likelihood" if is_tobit else metrics["method"]


def _dims(dim: int | dict[str, int]) -> str:
    """A network's embeddings have a dim each."""
    return (
        f"dim {dim}" if isinstance(dim, int) else ", ".join(f"{role} dim {role_dim}" for role, role_dim in dim.items())
    )


def _show_start(objective: Objective, start: StartMetrics, rows_called: str) -> None:
    """How much the new ratings changed, on them and on what earlier runs were measured on."""
    echo(
        f"started from {start['run']}; new users: {start['n_new_users']:,}, new items: {start['n_new_items']:,},"
        f" old {rows_called} replayed: {start['n_replayed']:,}"
    )
    if start["n_held_out_not_new"]:
        say(
            f"note: {counted(start['n_held_out_not_new'], 'held-out pair')} in the training set of {start['run']},"
            f" so the scores on new {rows_called} are optimistic"
        )
    rows = [
        (label, scores)
        for label, scores in (
            (f"new {rows_called}, before", start["before"]["new"]),
            (f"new {rows_called}, after", start["after"]["new"]),
            (f"old {rows_called}, before", start["before"]["old"]),
            (f"old {rows_called}, after", start["after"]["old"]),
        )
        if scores
    ]
    if rows:
        print_scores(objective, rows)


def _show_groups(groups: list[GroupMetrics]) -> None:
    rows = [[group["name"], "frozen" if group["frozen"] else f"{group['lr_max']:.3g}"] for group in groups]
    print_table(["layer group", "lr_max"], rows, numbers=["lr_max"])


def _verdict(scorer: str, metrics: ScorerMetrics, n_training: int) -> list[str]:
    """How the scorer compares with the best baseline, on how much, and what may help where it is worse."""
    objective = api.find_objective(metrics["objective"])
    scores, difference = metrics["test"] or metrics["valid"], metrics.get("difference")
    if scores is None or difference is None:
        return [f"Nothing was held out to evaluate the {scorer} on."]
    ours = objective.value(scores)
    theirs = ours - difference["value"]
    metric = f"{PARTS['test' if metrics['test'] else 'valid']} {objective.deciding_metric}"
    baseline, side, on = baseline_label(difference["baseline"]), _side(ours, theirs), _measured_on(scores)
    if difference["low"] is not None and difference["high"] is not None:
        on += f"; 95% interval {_share_text(difference['low'], theirs)} to {_share_text(difference['high'], theirs)}"
    if side == SAME and difference["is_real"] is not True:
        return paragraph(f"The {scorer}'s {metric} is {side} the {baseline} ({on}).")
    if difference["is_real"] is False:
        return paragraph(f"The {scorer}'s {metric} is {side} the {baseline}, which may be chance ({on}).")
    if objective.cost(difference["value"]) < 0:
        return paragraph(f"The {scorer}'s {metric} is {side} the {baseline} ({on}).")
    return [
        *paragraph(f"The {scorer} does NOT beat the {baseline}: its {metric} is {side} the baseline's ({on})."),
        *paragraph(objective.advice(n_training)),
    ]


def _side(ours: float, theirs: float) -> str:
    """ "2.8% below" another value."""
    share = _share_text(ours - theirs, theirs)[1:]
    return SAME if float(share.rstrip("%")) == 0 else f"{share} {'below' if ours < theirs else 'above'}"


def _share_text(difference: float, theirs: float) -> str:
    """A difference as a share of the baseline's value, or itself where that is next to 0."""
    return f"{difference / theirs:+.1%}" if theirs > SMALLEST else signed(difference, 4)


def _measured_on(scores: Mapping[str, float]) -> str:
    """How much a score stands on."""
    name = "n_users" if "n_users" in scores else next(name for name in scores if name.startswith("n_"))
    return counted(int(scores[name]), name.removeprefix("n_").removesuffix("s"))


def _next_commands(folder: str) -> list[str]:
    bundle = api.load(folder).bundle
    counts = bundle.counts["rating" if bundle.data.has_ratings else "ranking"]
    user = str(bundle.users.ids[(counts.users > 0).argmax()])
    item = str(bundle.items.ids[counts.items.argmax()])
    run = [] if api.is_default(Path(folder)) else ["--run", api.run_name(Path(folder))]
    dashes = ["--"] if user.startswith("--") or item.startswith("--") else []
    recommend = ["recsys", "recommend", *run, *dashes, user]
    first = (
        [["recsys", "predict", *run, *dashes, user, item], recommend]
        if bundle.data.has_ratings
        else [recommend, ["recsys", "similar", *run, *dashes, item]]
    )
    return list(map(shell_command, [*first, ["recsys", "export-factors", *run, "--output", "factors"]]))
