"""The sections `model`, `training` and `ranking`, made of the tables of what there is: one variant for each entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, Union

from pydantic import BeforeValidator, Field

from recsys.core.resolve import resolve
from recsys.core.section import Section
from recsys.models.settings import ModelSettings
from recsys.models.specs import ModelSpec, models_for
from recsys.training.settings import Method
from recsys.training.specs import MethodSpec, methods_for


class NoRanking(Section):
    """No scorer of its own for recommendations."""

    method: Literal["none"] = "none"
    """none: items are recommended by their predicted ratings."""


def _one_of(sections: Iterable[type[Section]], discriminator: str) -> Any:
    return Annotated[Union[tuple(sections)], Field(discriminator=discriminator)]  # noqa: UP007


def _settings(specs: Mapping[str, ModelSpec] | Mapping[str, MethodSpec]) -> Iterator[type[Section]]:
    return (resolve(spec.settings) for spec in specs.values())


def _with_method(section: object) -> object:
    """`ranking: none` as a section, and the first method where a section names none."""
    if section == "none":
        return {"method": "none"}
    return {"method": next(iter(methods_for("ranking"))), **section} if isinstance(section, Mapping) else section


if TYPE_CHECKING:
    Model: TypeAlias = ModelSettings
    Training: TypeAlias = Method
    Ranking: TypeAlias = Method
else:
    Model = _one_of(_settings(models_for("rating")), "kind")
    Training = _one_of(_settings(methods_for("rating")), "method")
    Ranking = Annotated[
        _one_of((*_settings(methods_for("ranking")), NoRanking), "method"), BeforeValidator(_with_method)
    ]


def default_model() -> ModelSettings:
    """The model of a config that names none."""
    settings: ModelSettings = resolve(next(iter(models_for("rating").values())).settings)()
    return settings


def default_training() -> Method:
    """The method of a config that names neither a method nor a model."""
    return _first_method("rating")


def default_ranking() -> Method:
    """How recommendations are learned where a config does not say."""
    return _first_method("ranking")


def _first_method(objective: str) -> Method:
    settings: Method = resolve(next(iter(methods_for(objective).values())).settings)()
    return settings
