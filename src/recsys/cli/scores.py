"""Scores for people: metrics, counts and baselines, in the order and with the direction of the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from recsys.cli.render import echo, paragraph, print_table
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.objectives.objective import Objective

BASELINES = {
    "biases": "bias-only baseline",
    "global_mean": "global mean",
    "popular": "most popular items",
    "rating": "rating scorer",
    "ranking": "ranking scorer",
}
PARTS = {"valid": "validation", "test": "test"}
# Headers of tables, in two lines where that makes the column narrower.
COUNTS = {
    "n_unknown_users": "by unknown\nusers",
    "n_unknown_items": "of unknown\nitems",
    "n_users_from_features": "by new\nusers",
    "n_items_from_features": "of new\nitems",
}
FROM_FEATURES = ("n_users_from_features", "n_items_from_features")  # shown where there are any
Scores = Mapping[str, float]
T = TypeVar("T")


def print_scores(objective: Objective, rows: Sequence[tuple[str, Scores]], title: str = "") -> None:
    """A table of labels and scores, on stdout; counts of users in a line below it."""
    first = rows[0][1]
    metrics = [*objective.metrics, *(name for name in objective.optional_metrics if name in first)]
    counts = [name for name in counts_of(first) if all(name in scores for _, scores in rows)]
    columns = [*map(metric_label, metrics), *map(count_label, counts)]
    cells = [
        [label, *(f"{scores[name]:.4f}" for name in metrics), *(f"{scores[name]:,}" for name in counts)]
        for label, scores in rows
    ]
    print_table([title, *columns], cells, numbers=columns)
    if "n_users" in first:
        echo("\n".join(paragraph(_users(first))))


def baseline_rows(objective: Objective, baselines: Mapping[str, T | None]) -> Iterator[tuple[str, T]]:
    """Labels and what there is of each baseline: other scorers of the run, then indented the baseline to beat first."""
    to_beat = objective.baseline_to_beat
    also = [name for name in objective.also_measured if name in baselines]
    for name in (*also, to_beat, *(name for name in objective.baselines if name != to_beat)):
        scores = baselines[name]
        if scores is not None:
            yield baseline_label(name) if name in also else f"  {baseline_label(name)}", scores


def metric_label(name: str) -> str:
    """A metric as a header of a table."""
    return name.replace("like_", "like\n", 1)


def scorer_label(name: str, objective: Objective) -> str:
    """A scorer of a run for people: the model, or by its name where others are measured beside it."""
    return baseline_label(name) if objective.also_measured else "model"


def baseline_label(name: str) -> str:
    """A baseline for people."""
    return BASELINES.get(name, name.replace("_", " "))


def baseline_header(name: str) -> str:
    """A baseline as a header of a table."""
    return baseline_label(name).removesuffix(" items").replace(" ", "\n", 1)


def counts_of(scores: Scores) -> list[str]:
    """The names of the counts among scores that tables have a column for."""
    counts = [] if "n_users" in scores else [name for name in scores if name.startswith("n_")]
    return [name for name in counts if name not in FROM_FEATURES or scores[name]]


def count_label(name: str) -> str:
    """A count as a header of a table."""
    return COUNTS.get(name, name.replace("_", " "))


def _users(scores: Scores) -> str:
    """On whom a ranking was measured, what a like is, and what no list can hold."""
    n_users, n_all = scores["n_users"], scores.get("n_users_held_out", scores["n_users"])
    users = counted(int(n_all), "user")
    text = users if n_users == n_all else f"{n_users:,} of {users}, drawn by the seed"
    if "n_like_users" in scores:
        text += f"; like: rated {scores['like_threshold']:g} or more, by {scores['n_like_users']:,} of them"
    if scores.get("n_relevant_unknown_items"):
        n_missed, n_relevant = scores["n_relevant_unknown_items"], counted(int(scores["n_relevant"]), "interaction")
        text += f". Counted as misses, since training has none of their items: {n_missed:,} of {n_relevant}"
    return f"{text}."
