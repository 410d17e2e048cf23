"""The sections `model` and `training`, made of the tables of what there is: one variant for each entry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union

from pydantic import Field

from recsys.core.resolve import resolve
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS
from recsys.training.settings import Method
from recsys.training.specs import METHODS


def _one_of(names: Iterable[str], discriminator: str) -> Any:
    return Annotated[Union[tuple(resolve(name) for name in names)], Field(discriminator=discriminator)]  # noqa: UP007


if TYPE_CHECKING:
    Model: TypeAlias = ModelSettings
    Training: TypeAlias = Method
else:
    Model = _one_of((spec.settings for spec in MODELS.values()), "kind")
    Training = _one_of((spec.settings for spec in METHODS.values()), "method")


def default_model() -> ModelSettings:
    """The model of a config that names none."""
    settings: ModelSettings = resolve(next(iter(MODELS.values())).settings)()
    return settings


def default_training() -> Method:
    """The method of a config that names neither a method nor a model."""
    settings: Method = resolve(next(iter(METHODS.values())).settings)()
    return settings
