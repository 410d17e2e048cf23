"""What a config asks for: the scorers to train, each with its objective, model and method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from recsys.config.schema.config import Config
from recsys.core.resolve import resolve
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.training.settings import Method
from recsys.training.specs import METHODS


@dataclass(frozen=True)
class Plan:
    """One scorer to train.

    Attributes:
        name: of the fit, in history and checkpoints.
        scorer: as which it is served.
        objective: what it is trained for and measured by.
        model: what is learned.
        training: how it is learned.
        seed: of all that is random.
    """

    name: str
    scorer: str
    objective: str
    model: ModelSettings
    training: Method
    seed: int


def plans(config: Config) -> tuple[Plan, ...]:
    """One plan for each scorer to train; what `start.only` leaves out is not."""
    only = None if config.start is None else config.start.only
    return tuple(plan for plan in served_plans(config) if only in (None, plan.name))


def served_plans(config: Config) -> tuple[Plan, ...]:
    """One plan for each scorer: ratings by the sections `model` and `training`, and recommendations by `ranking`."""
    planned = (
        [Plan("rating", "rating", "rating", config.model, config.training, config.seed)]
        if config.data.has_ratings
        else []
    )
    method = METHODS.get(config.ranking.method)  # "none" is none
    if method is not None:
        (kind,) = method.models
        settings: ModelSettings = resolve(MODELS[kind].settings)()
        planned.append(Plan("ranking", "ranking", "ranking", settings, config.ranking, config.seed))
    return tuple(planned)


def refit_plan(plan: Plan, n_epochs: int, measured: Mapping[str, JsonValue]) -> Plan:
    """The same on all ratings, for as many epochs as the fit that was measured, of these hyperparameters."""
    return replace(plan, name=f"refit-{plan.name}", training=plan.training.for_refit(n_epochs, measured))
