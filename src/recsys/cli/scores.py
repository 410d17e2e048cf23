"""Scores for people: metrics, counts and baselines, in the order and with the direction of the objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from recsys.cli.render import print_table

if TYPE_CHECKING:
    from recsys.objectives.objective import Objective

BASELINES = {"biases": "bias-only baseline", "global_mean": "global mean", "popular": "most popular items"}
PARTS = {"valid": "validation", "test": "test"}
# Headers of tables, in two lines where that makes the column narrower.
COUNTS = {"n_unknown_users": "by unknown\nusers", "n_unknown_items": "of unknown\nitems"}
Scores = Mapping[str, float]
T = TypeVar("T")


def print_scores(objective: Objective, rows: Sequence[tuple[str, Scores]]) -> None:
    """A table of labels and scores, on stdout."""
    counts = counts_of(rows[0][1])
    columns = [*objective.metrics, *map(count_label, counts)]
    cells = [
        [label, *(f"{scores[name]:.4f}" for name in objective.metrics), *(f"{scores[name]:,}" for name in counts)]
        for label, scores in rows
    ]
    print_table(["", *columns], cells, numbers=columns)


def baseline_rows(objective: Objective, baselines: Mapping[str, T | None]) -> Iterator[tuple[str, T]]:
    """Indented labels and what there is of each baseline, the baseline to beat first."""
    first = objective.baseline_to_beat
    for name in (first, *(name for name in objective.baselines if name != first)):
        scores = baselines[name]
        if scores is not None:
            yield f"  {baseline_label(name)}", scores


def baseline_label(name: str) -> str:
    """A baseline for people."""
    return BASELINES.get(name, name.replace("_", " "))


def baseline_header(objective: Objective) -> str:
    """The baseline to beat as a header of a table."""
    return baseline_label(objective.baseline_to_beat).replace(" ", "\n", 1)


def counts_of(scores: Scores) -> list[str]:
    """The names of the counts among scores."""
    return [name for name in scores if name.startswith("n_")]


def count_label(name: str) -> str:
    """A count as a header of a table."""
    return COUNTS.get(name, name.replace("_", " "))
