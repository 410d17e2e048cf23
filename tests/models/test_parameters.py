"""What settings say of a model's parameters is what its module has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from recsys.core.resolve import resolve
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.models.build import build_module
from recsys.models.settings import ModelSettings
from recsys.models.specs import MODELS

FORMS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind, spec in MODELS.items() if spec.module),
    ("dot_product", {"biases": False}),
    ("svdpp", {"flipped": False}),
    ("embedding_net", {"layers": (), "user_dim": 3}),
    ("embedding_net", {"layers": (7, 6, 5), "batch_norm": False}),
]


@pytest.fixture
def ratings(rated: Callable[..., Interactions]) -> Interactions:
    return rated([(user, item, float(user + item)) for user in range(4) for item in range(3)])


def settings_of(kind: str, values: dict[str, Any]) -> ModelSettings:
    settings: ModelSettings = resolve(MODELS[kind].settings)(**values)
    return settings


@pytest.mark.parametrize(("kind", "values"), FORMS)
def test_every_parameter_is_listed_once(kind: str, values: dict[str, Any], ratings: Interactions) -> None:
    settings = settings_of(kind, values)
    listed = [parameter.name for parameter in settings.parameters]
    module = build_module(settings, TrainingInputs(Splits(ratings, None, None)), seed=1)
    assert sorted(listed) == sorted(name for name, _ in module.named_parameters())


@pytest.mark.parametrize(("kind", "values"), FORMS)
def test_a_parameter_with_rows_has_one_for_each_user_or_item(
    kind: str, values: dict[str, Any], ratings: Interactions
) -> None:
    settings = settings_of(kind, values)
    module = build_module(settings, TrainingInputs(Splits(ratings, None, None)), seed=1)
    n_rows = {"user": 4, "item": 3}
    for parameter in settings.parameters:
        tensor = module.get_parameter(parameter.name)
        if parameter.rows is not None:
            assert len(tensor) == n_rows[parameter.rows]
            assert tensor.ndim == (1 if parameter.is_bias else 2)


@pytest.mark.parametrize("kind", MODELS)
def test_the_kind_in_the_settings_is_that_of_the_table(kind: str) -> None:
    assert settings_of(kind, {}).kind == kind


def test_items_come_before_users() -> None:
    assert settings_of("dot_product", {}).groups == settings_of("svdpp", {}).groups == ("items", "users")
