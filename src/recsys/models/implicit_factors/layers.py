"""Implicit factors as layers."""

from __future__ import annotations

from collections.abc import Mapping

from recsys.data.scale import Scale
from recsys.models.implicit_factors.settings import ImplicitFactors
from recsys.models.layers import Anatomy, computed, learned
from recsys.models.settings import Shape
from recsys.scoring.link import Link


def layers(settings: ImplicitFactors, shapes: Mapping[str, Shape], _: Scale | None, __: Link | None) -> Anatomy:
    """The layers; their score has no link to ratings."""
    dim = shapes["user_embedding"][1:]
    parameters = (learned(parameter.name, (parameter,), shapes) for parameter in settings.parameters)
    activations = (computed(name, dim) for name in ("item lookup", "user lookup", "product"))
    return Anatomy((*parameters, *activations, computed("sum", (1,))), None)
