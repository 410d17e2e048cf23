"""How a run stands among earlier ones that were measured on the same held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from recsys.artifacts.metrics import RunMetrics, ScorerMetrics, scorer_metrics
from recsys.objectives.specs import find_objective

DECIMALS = 4  # as many as tables show


class BetterRun(TypedDict):
    """An earlier run that is better, by the deciding metric of one objective on the same test interactions.

    Attributes:
        value, own: the metric of that run, and of the later one.
    """

    run: str
    objective: str
    metric: str
    value: float
    own: float


def better_runs(metrics: RunMetrics, earlier: Mapping[Path, RunMetrics]) -> list[BetterRun]:
    """The best of the earlier runs for each objective by which one of them is better.

    Args:
        metrics: of the run.
        earlier: finished runs.
    """
    better = []
    for scorer in scorer_metrics(metrics).values():
        objective = find_objective(scorer["objective"])
        values = {path: value for path, other in earlier.items() if (value := _on_same_test(scorer, other)) is not None}
        if not values or scorer["test"] is None:
            continue
        best, own = min(values, key=lambda path: objective.cost(values[path])), objective.value(scorer["test"])
        if round(objective.cost(own) - objective.cost(values[best]), DECIMALS) > 0:
            better.append(
                BetterRun(
                    run=best.name,
                    objective=objective.name,
                    metric=objective.deciding_metric,
                    value=values[best],
                    own=own,
                )
            )
    return better


def _on_same_test(scorer: ScorerMetrics, other: RunMetrics) -> float | None:
    """The deciding metric of another run on the test interactions of a scorer; None where it was measured on others.

    They are the same where the baseline, which learns from the training part, reaches the same to the last digit.
    """
    objective = find_objective(scorer["objective"])
    for candidate in scorer_metrics(other).values():
        if candidate["objective"] != objective.name or candidate["test"] is None or scorer["test"] is None:
            continue
        baselines = [measured["baselines"][objective.baseline_to_beat] for measured in (scorer, candidate)]
        if baselines[0] == baselines[1]:
            return objective.value(candidate["test"])
    return None
