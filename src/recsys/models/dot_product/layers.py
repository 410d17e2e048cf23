"""The dot product as layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recsys.data.scale import Scale
from recsys.models.dot_product.settings import DotProduct
from recsys.models.layers import Anatomy, Layer, computed, learned
from recsys.models.settings import Shape
from recsys.scoring.link import Link


def output_link(settings: DotProduct, scale: Scale) -> Link:
    """From scores to ratings, as the settings say."""
    if settings.y_range is not None:
        return Link("sigmoid", *settings.y_range)
    return Link("clip" if settings.clip else "identity", scale.low, scale.high)


def layers(settings: DotProduct, shapes: Mapping[str, Shape], scale: Scale, served: Link | None) -> Anatomy:
    """The layers; the link is the one of the served model, where there is one: the method may choose another."""
    link = served or output_link(settings, scale)
    return Anatomy(tuple(_layers(settings, shapes, link)), link)


def _layers(settings: DotProduct, shapes: Mapping[str, Shape], link: Link) -> Iterator[Layer]:
    for parameter in settings.parameters:
        yield learned(parameter.name, (parameter,), shapes)
    dim = shapes["user_embedding"][1:]
    yield computed("item lookup", dim)
    yield computed("user lookup", dim)
    yield computed("product", dim)
    yield computed("sum and biases" if settings.biases else "sum", (1,))
    if link.kind != "sigmoid":
        yield computed("mean + std · sum", (1,))
    if link.kind != "identity":
        yield computed(link.kind, (1,))
