"""Which scorer of a config is tuned, and by which metric."""

from __future__ import annotations

from dataclasses import replace

from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.core.errors import UsageError
from recsys.core.words import joined
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective


def tuned_plan(config: Config, metric: str | None) -> tuple[Plan, Objective]:
    """The plan of the one scorer that is trained in trials, and its objective with the metric as the deciding one.

    Args:
        metric: None: the deciding metric of the first scorer.
    Raises:
        UsageError: no scorer of the config is measured by the metric.
    """
    planned, known = plans(config), list[str]()
    for plan in planned:
        objective = find_objective(plan.objective)
        metrics = (*objective.metrics, *objective.optional_metrics)
        if metric is None or metric in metrics:
            others = tuple(name for name in objective.metrics if name != metric)
            return plan, objective if metric is None else replace(objective, metrics=(metric, *others))
        known += metrics
    raise UsageError(
        f"no scorer of this config is measured by {metric!r}",
        where="--metric",
        expected=joined(known),
        hint=None
        if any(plan.objective == "ranking" for plan in planned)
        else "ndcg and recall need the section ranking",
    )
