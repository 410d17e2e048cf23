"""Every training method, by where its code lies and which models it fits: a new one is a folder and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """How a method fits one kind of model; code by its name, "package.module:name".

    Attributes:
        learner: builds its learner: (plan, TrainingInputs) → Learner.
        cannot: names of the traits that a model may not have.
        keys: settings of the method that only models of some kinds take, this one among them.
    """

    learner: str
    cannot: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class MethodSpec:
    """Where the parts of a method lie, so that to read this loads none of them.

    Attributes:
        settings: its section of the config, a Method.
        models: kind → how it fits a model of it; it fits no other kinds.
    """

    settings: str
    models: Mapping[str, Fit]


IMPLICIT_KEYS = ("implicit_weight_decay", "damping", "implicit_damping")

METHODS: dict[str, MethodSpec] = {
    "sgd": MethodSpec(
        settings="recsys.training.sgd.settings:Sgd",
        models={
            "dot_product": Fit("recsys.training.sgd.dot_product:build", cannot=("sigmoid_output", "user_drift")),
            "svdpp": Fit("recsys.training.sgd.svdpp:build", cannot=("user_drift",), keys=IMPLICIT_KEYS),
        },
    ),
    "adamw": MethodSpec(
        settings="recsys.training.adamw.settings:AdamW",
        models={
            "dot_product": Fit("recsys.training.adamw.build:factors", cannot=("user_drift",)),
            "embedding_net": Fit("recsys.training.adamw.build:network"),
        },
    ),
    "gibbs": MethodSpec(
        settings="recsys.training.gibbs.settings:Gibbs",
        models={
            "dot_product": Fit("recsys.training.gibbs.build:dot_product", cannot=("sigmoid_output", "no_biases")),
            "svdpp": Fit("recsys.training.gibbs.build:svdpp"),
        },
    ),
}
"""By name; a config that names none means the first that fits its model."""
