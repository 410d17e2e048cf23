"""A throw-away method in one file: biases by damped means, a share of them an epoch, for the dot product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from recsys.core.events import EpochResult, Observer, Step
from recsys.core.layout import ArraySpec, StateLayout
from recsys.core.types import Array, Arrays, Json, State
from recsys.data.training_inputs import TrainingInputs
from recsys.models.settings import ModelSettings
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units
from recsys.scoring.link import Link
from recsys.training.groups import Group
from recsys.training.settings import Monitored
from recsys.training.specs import METHODS, Fit, MethodSpec

if TYPE_CHECKING:
    from recsys.config.plans import Plan  # and with it the schema, which is made of what is registered before


class DampedMeans(Monitored):
    """Biases alone."""

    continues_runs: ClassVar[bool] = False
    method: Literal["damped_means"] = "damped_means"
    """damped_means: biases by damped means."""
    n_epochs: Annotated[int, Field(ge=1)] = 4
    """Rounds over users and items."""
    damping: Annotated[float, Field(ge=0)] = 5.0
    """Ratings at the mean that each is given in advance."""


class Learner:
    """Users and items in turn: the damped mean of what the others leave."""

    evaluation_cost = 1.0
    samples = None
    groups: tuple[Group, ...] = ()
    column_bytes = 0

    def __init__(self, inputs: TrainingInputs, model: ModelSettings, settings: DampedMeans) -> None:
        dim = model.fixed_dim or 1
        self._model, self._train, self._scale, self._settings = model, inputs.repeated_train, inputs.scale, settings
        self.n_ratings, self.n_epochs, self._dim = len(self._train), settings.n_epochs, dim
        self._bias = {"user": np.zeros(len(self._train.users)), "item": np.zeros(len(self._train.items))}

    def epoch(self, number: int, observe: Observer) -> EpochResult:
        """Each bias once."""
        observe(Step(number, self.n_epochs, 0, self.n_ratings, 0.0))
        idx = {"user": self._train.user_idx, "item": self._train.item_idx}
        rating = self._train.rating - self._scale.mean
        for role, other in (("user", "item"), ("item", "user")):
            rest = rating - self._bias[other][idx[other]]
            n = len(self._bias[role])
            sums, counts = np.bincount(idx[role], rest, n), np.bincount(idx[role], minlength=n)
            self._bias[role] = sums / (counts + self._settings.damping)
        error = rating - self._bias["user"][idx["user"]] - self._bias["item"][idx["item"]]
        return EpochResult(train={"rmse": float(np.sqrt(np.mean(error**2)))}, lr=0.0)

    def is_finite(self) -> bool:
        """Means are."""
        return True

    def state(self, epoch: int) -> State:
        """The biases, under the names of the model."""
        parameters: Arrays = {f"{role}_bias": self._rows(bias) for role, bias in self._bias.items()}
        embeddings = {f"{role}_embedding": self._none(bias) for role, bias in self._bias.items()}
        return State(epoch, {**parameters, **embeddings, "global_mean": np.zeros(1, np.float32)}, dict(self._bias))

    def layout(self, epoch: int) -> StateLayout:
        """The biases, as wide as they are computed."""
        biases = {role: ArraySpec("float64", (f"n_{role}s",)) for role in self._bias}
        return StateLayout(self._model.layout(), biases, {f"n_{role}s": len(bias) for role, bias in self._bias.items()})

    def restore(self, state: State) -> None:
        """The biases, as they were."""
        self._bias = {role: state.learner[role].copy() for role in self._bias}

    def scorer(self) -> Factors:
        """Biases alone."""
        counted = {"user": self._train.counted.users, "item": self._train.counted.items}
        user, item = (
            Rows(self._none(bias), bias.astype(np.float32), counted[role]) for role, bias in self._bias.items()
        )
        link = Link("clip", self._scale.low, self._scale.high)
        return in_rating_units(self._scale.mean, 1.0, user, item, link)

    def settings(self) -> dict[str, Json]:
        """As given."""
        return self._settings.in_force()

    def _rows(self, bias: Array) -> Array:
        return (bias / self._scale.std).astype(np.float32)

    def _none(self, bias: Array) -> Array:
        return np.zeros((len(bias), self._dim), np.float32)


def build(plan: Plan, inputs: TrainingInputs) -> Learner:
    """The learner."""
    assert isinstance(plan.training, DampedMeans)
    return Learner(inputs, plan.model, plan.training)


FIT = Fit(
    learner="damped_means:build",
    space="recsys.training.gibbs.space:FACTORS",
    cannot=("sigmoid_output", "no_biases", "user_drift"),
)
METHODS["damped_means"] = MethodSpec(settings="damped_means:DampedMeans", models={"dot_product": FIT})
