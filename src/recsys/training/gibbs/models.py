"""The models that gibbs fits, as the sampler sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recsys.core.layout import Layout
from recsys.core.types import Arrays
from recsys.models.dot_product.settings import DotProduct
from recsys.models.settings import Role
from recsys.models.svdpp.settings import SvdPP


@dataclass(frozen=True, eq=False)
class SampledModel:
    """A product of rows of users and items, with biases.

    Attributes:
        dim: factors of each user and item.
        clip: whether predictions are kept within the scale of the ratings.
        user_drift: whether users' biases move with time.
        parameters: what the parameters of the model's module are.
        implicit_of: roles whose rows have implicit terms.
        constants: parameters of the model's module that are not drawn.
    """

    dim: int
    clip: bool
    user_drift: bool
    parameters: Layout
    implicit_of: tuple[Role, ...] = ()
    constants: Arrays = field(default_factory=dict)


def dot_product(settings: DotProduct) -> SampledModel:
    """Nothing but the rows; the global mean is that of the ratings."""
    constants = {"global_mean": np.zeros(1, np.float32)}
    return SampledModel(
        settings.embedding_dim, settings.clip, settings.user_drift, settings.layout(), constants=constants
    )


def svdpp(settings: SvdPP) -> SampledModel:
    """The rows, and implicit terms."""
    return SampledModel(
        settings.embedding_dim, settings.clip, settings.user_drift, settings.layout(), settings.implicit_of
    )
