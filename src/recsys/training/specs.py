"""Every training method, by where its code lies and which models it fits: a new one is a folder and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """How a method fits one kind of model; code by its name, "package.module:name".

    Attributes:
        learner: builds its learner: (plan, TrainingInputs) → Learner.
        space: what tuning tries unless told otherwise, a Space.
        cannot: names of the traits that a model may not have.
        keys: settings of the method that only models of some kinds take, this one among them.
        takes_ranks: whether the learner trains on several ranks at once; it is then built with the communicator too.
        block_order: sorts ratings for a prepared store, from which the learner then reads them block by block:
            (plan, n_ratings, n_users, n_items) → StoredOrder. None: the learner holds all ratings in memory.
    """

    learner: str
    space: str
    cannot: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    takes_ranks: bool = False
    block_order: str | None = None


@dataclass(frozen=True)
class MethodSpec:
    """Where the parts of a method lie, so that to read this loads none of them.

    Attributes:
        settings: its section of the config, a Method.
        models: kind → how it fits a model of it; it fits no other kinds.
        objective: what it trains for, a key of OBJECTIVES.
    """

    settings: str
    models: Mapping[str, Fit]
    objective: str = "rating"


METHODS: dict[str, MethodSpec] = {
    "sgd": MethodSpec(
        settings="recsys.training.sgd.settings:Sgd",
        models={
            "dot_product": Fit(
                learner="recsys.training.sgd.dot_product:build",
                space="recsys.training.sgd.space:DOT_PRODUCT",
                cannot=("sigmoid_output", "user_drift"),
                takes_ranks=True,
                block_order="recsys.training.sgd.stored_order:stored_order",
            ),
            "svdpp": Fit(
                learner="recsys.training.sgd.svdpp:build",
                space="recsys.training.sgd.space:SVDPP",
                cannot=("user_drift",),
                keys=("implicit_weight_decay", "damping", "implicit_damping"),
            ),
        },
    ),
    "adamw": MethodSpec(
        settings="recsys.training.adamw.settings:AdamW",
        models={
            "dot_product": Fit(
                learner="recsys.training.adamw.build:factors",
                space="recsys.training.adamw.space:FACTORS",
                cannot=("user_drift",),
            ),
            "embedding_net": Fit(
                learner="recsys.training.adamw.build:network",
                space="recsys.training.adamw.space:NETWORK",
            ),
        },
    ),
    "gibbs": MethodSpec(
        settings="recsys.training.gibbs.settings:Gibbs",
        models={
            "dot_product": Fit(
                learner="recsys.training.gibbs.build:dot_product",
                space="recsys.training.gibbs.space:FACTORS",
                cannot=("sigmoid_output", "no_biases"),
                takes_ranks=True,
            ),
            "svdpp": Fit(
                learner="recsys.training.gibbs.build:svdpp",
                space="recsys.training.gibbs.space:FACTORS",
                takes_ranks=True,
            ),
        },
    ),
    "ials": MethodSpec(
        settings="recsys.training.ials.settings:Ials",
        models={
            "implicit_factors": Fit(
                learner="recsys.training.ials.learner:build",
                space="recsys.training.ials.space:FACTORS",
                takes_ranks=True,
            ),
        },
        objective="ranking",
    ),
}
"""By name; a config that names none means the first of the objective that fits its model."""


def methods_for(objective: str) -> dict[str, MethodSpec]:
    """The methods that train for an objective, by name."""
    return {name: spec for name, spec in METHODS.items() if spec.objective == objective}
