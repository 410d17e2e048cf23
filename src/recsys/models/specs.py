"""Every kind of model, by where its code lies: a new one is a folder and an entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSpec:
    """Where the parts of a model lie, each as "package.module:name", so that to read this loads none of them.

    Attributes:
        settings: its section of the config, a ModelSettings.
    """

    settings: str


MODELS: dict[str, ModelSpec] = {
    "dot_product": ModelSpec(settings="recsys.models.dot_product.settings:DotProduct"),
    "embedding_net": ModelSpec(settings="recsys.models.embedding_net.settings:EmbeddingNet"),
    "svdpp": ModelSpec(settings="recsys.models.svdpp.settings:SvdPP"),
}
"""By kind; the first is the one that a config means which names none."""
