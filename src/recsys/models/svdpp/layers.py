"""SVD++ as layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recsys.data.scale import Scale
from recsys.models.layers import Anatomy, Layer, computed, learned
from recsys.models.settings import Shape
from recsys.models.svdpp.settings import SvdPP
from recsys.scoring.link import Link


def output_link(settings: SvdPP, scale: Scale) -> Link:
    """From scores to ratings, as the settings say."""
    return Link("clip" if settings.clip else "identity", scale.low, scale.high)


def layers(settings: SvdPP, shapes: Mapping[str, Shape], scale: Scale, served: Link | None) -> Anatomy:
    """The layers; the link is the one of the served model, where there is one: the method may choose another."""
    link = served or output_link(settings, scale)
    return Anatomy(tuple(_layers(settings, shapes, link)), link)


def _layers(settings: SvdPP, shapes: Mapping[str, Shape], link: Link) -> Iterator[Layer]:
    for parameter in settings.parameters:
        yield learned(parameter.name, (parameter,), shapes)
    dim = shapes["user_embedding"][1:]
    yield computed("item lookup" + " and sum over its users" * settings.flipped, dim)
    yield computed("user lookup and sum over their items", dim)
    yield computed("product", dim)
    yield computed("sum and biases", (1,))
    yield computed("mean + std · sum", (1,))
    if link.kind != "identity":
        yield computed(link.kind, (1,))
