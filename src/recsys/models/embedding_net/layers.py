"""The embedding net as layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recsys.data.scale import Scale
from recsys.models.embedding_net.settings import EmbeddingNet, feature_weights
from recsys.models.layers import Anatomy, Layer, computed, learned
from recsys.models.settings import ROLES, ParameterInfo, Shape
from recsys.scoring.link import Link


def output_link(settings: EmbeddingNet, scale: Scale) -> Link:
    """From scores to ratings, as the settings say."""
    return Link("sigmoid", *settings.output_range(scale.low, scale.high))


def layers(settings: EmbeddingNet, shapes: Mapping[str, Shape], scale: Scale, served: Link | None) -> Anatomy:
    """The layers; the link is the one of the served model, where there is one."""
    return Anatomy(tuple(_layers(settings, shapes)), served or output_link(settings, scale))


def _layers(settings: EmbeddingNet, shapes: Mapping[str, Shape]) -> Iterator[Layer]:
    parameters = {name: learned(name, layer, shapes) for name, layer in settings.parameters_by_layer.items()}
    embeddings = [parameters[f"{role}_embedding"] for role in ROLES]
    yield from embeddings
    for role in ROLES:
        name = feature_weights(role)
        if name in shapes:
            yield learned(name, (ParameterInfo(name, "embeddings", None),), shapes)
    width = (sum(layer.shape[1] for layer in embeddings),)
    yield computed("lookups", width)
    if settings.embedding_dropout:
        yield computed(f"dropout {settings.embedding_dropout:g}", width)
    for number, size in enumerate(settings.layers):
        yield parameters[f"hidden.{number}.affine"]
        yield computed("affine", (size,))
        yield computed("relu", (size,))
        if settings.batch_norm:
            yield parameters[f"hidden.{number}.norm"]
            yield computed("batch norm", (size,))
        if settings.dropout:
            yield computed(f"dropout {settings.dropout:g}", (size,))
    yield parameters["head"]
    yield computed("affine", (1,))
    yield computed("sigmoid", (1,))
