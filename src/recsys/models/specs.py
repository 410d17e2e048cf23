"""Every kind of model, by where its code lies: a new one is a folder and an entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSpec:
    """Where the parts of a model lie, each as "package.module:name", so that to read this loads none of them.

    Attributes:
        settings: its section of the config, a ModelSettings.
        scorer: kind of the scorer that it is served by.
        objective: what it is trained for, a key of OBJECTIVES.
        module: builds its torch module: (settings, seen ratings, scale, seed) → RatingModule; None where it has none.
        arrays: builds its parameters without torch: (settings, seen ratings, scale, seed) → ArrayModel; None where
            only its module has them.
        layers: lists its layers: (settings, shapes of the parameters, scale, link that is served or None) → Anatomy.
        extend: its parameters with rows that were folded in: (settings, TrainingInputs, served Factors) → Arrays; None
            where new users and items cannot be.
    """

    settings: str
    scorer: str
    layers: str
    module: str | None = None
    arrays: str | None = None
    objective: str = "rating"
    extend: str | None = None


MODELS: dict[str, ModelSpec] = {
    "dot_product": ModelSpec(
        settings="recsys.models.dot_product.settings:DotProduct",
        scorer="factors",
        module="recsys.models.dot_product.module:build",
        arrays="recsys.models.dot_product.arrays:build",
        layers="recsys.models.dot_product.layers:layers",
        extend="recsys.models.dot_product.fold_in:extend",
    ),
    "embedding_net": ModelSpec(
        settings="recsys.models.embedding_net.settings:EmbeddingNet",
        scorer="network",
        module="recsys.models.embedding_net.module:build",
        layers="recsys.models.embedding_net.layers:layers",
    ),
    "implicit_factors": ModelSpec(
        settings="recsys.models.implicit_factors.settings:ImplicitFactors",
        scorer="implicit",
        layers="recsys.models.implicit_factors.layers:layers",
        objective="ranking",
    ),
    "svdpp": ModelSpec(
        settings="recsys.models.svdpp.settings:SvdPP",
        scorer="factors",
        module="recsys.models.svdpp.module:build",
        arrays="recsys.models.svdpp.arrays:build",
        layers="recsys.models.svdpp.layers:layers",
        extend="recsys.models.svdpp.fold_in:extend",
    ),
}
"""By kind; the first is the one that a config means which names none."""


def models_for(objective: str) -> dict[str, ModelSpec]:
    """The models that are trained for an objective, by kind."""
    return {kind: spec for kind, spec in MODELS.items() if spec.objective == objective}


def kinds_served_by(scorer: str) -> list[str]:
    """The kinds of models that are served by a kind of scorer."""
    return [kind for kind, spec in MODELS.items() if spec.scorer == scorer]
