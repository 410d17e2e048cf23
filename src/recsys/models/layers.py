"""A model as layers: parameters, which are learned, and activations, which are computed from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recsys.models.settings import ParameterInfo, Shape
from recsys.scoring.link import Link


@dataclass(frozen=True)
class Layer:
    """A layer in the order of the computation.

    Attributes:
        name: of parameters, the name in the checkpoint, without .weight and .bias; of activations, what makes them.
        shape: of parameters, that of their matrix or row of numbers; of activations, that for one rating.
        n_parameters: 0 for activations.
        group: the layer group; None for activations, as is `frozen`.
        frozen: whether the run left the group as it was.
    """

    name: str
    kind: Literal["parameters", "activations"]
    shape: Shape
    n_parameters: int = 0
    group: str | None = None
    frozen: bool | None = None


@dataclass(frozen=True)
class Anatomy:
    """A model's layers, from the embeddings to the score, and the link with which they end; None: none."""

    layers: tuple[Layer, ...]
    link: Link | None


def learned(name: str, parameters: tuple[ParameterInfo, ...], shapes: Mapping[str, Shape]) -> Layer:
    """A layer of one or more parameters of a group; its shape is that of the first."""
    count = sum(math.prod(shapes[parameter.name]) for parameter in parameters)
    first = parameters[0]
    return Layer(name, "parameters", shapes[first.name], count, first.group)


def computed(name: str, shape: Shape) -> Layer:
    """Activations of this shape for one rating."""
    return Layer(name, "activations", shape)
