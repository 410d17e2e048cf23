"""What a config asks for: the scorers to train, each with its objective, model and method."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.config.schema.config import Config
from recsys.models.settings import ModelSettings
from recsys.training.settings import Method


@dataclass(frozen=True)
class Plan:
    """One scorer to train.

    Attributes:
        name: of the scorer.
        objective: what it is trained for and measured by.
        model: what is learned.
        training: how it is learned.
        seed: of all that is random.
    """

    name: str
    objective: str
    model: ModelSettings
    training: Method
    seed: int


def plans(config: Config) -> tuple[Plan, ...]:
    """One plan for each scorer: a rating, by the sections `model` and `training`."""
    return (Plan("rating", "rating", config.model, config.training, config.seed),)
