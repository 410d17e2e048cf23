"""Sections that come in variants: which keys exist follows the method, and a key of another one says whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, create_model

from recsys.config.loading import load, problems
from recsys.config.loading import unvalidated as draft
from recsys.config.loading.load import config_from
from recsys.config.reference import _entries
from recsys.config.schema.data import Data
from recsys.core.errors import ConfigError
from recsys.core.section import Section


class Fast(Section):
    method: Literal["fast"] = "fast"
    """fast: quick."""
    n_blocks: int = 4
    """Blocks."""
    n_epochs: Annotated[int, Field(ge=1)] = 20
    """Passes."""


class Slow(Section):
    method: Literal["slow"] = "slow"
    """slow: careful."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where."""
    n_epochs: Annotated[int, Field(ge=1)] = 5
    """Passes."""


Job = create_model(
    "Job",
    __base__=Section,
    data=(Data, ...),
    training=(Annotated[Slow | Fast, Field(discriminator="method")], Fast()),
)


@pytest.fixture(autouse=True)
def _two_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "Config", Job)
    monkeypatch.setattr(draft, "method_for", lambda _: "fast")
    for module in (draft, load, problems):
        monkeypatch.setattr(module, "ROOT", (Job,))


def training(**keys: Any) -> Any:
    return config_from({"data": {"ratings": "r.csv"}, "training": keys}, Path()).training


def refused(**keys: Any) -> list[tuple[str | None, str, str | None]]:
    with pytest.raises(ConfigError) as caught:
        training(**keys)
    return [(error.where, error.what, error.hint) for error in (caught.value, *caught.value.more)]


def test_the_method_says_which_keys_there_are_and_its_defaults() -> None:
    assert training(method="slow", device="cuda") == Slow(device="cuda")
    assert training(method="fast", n_blocks=8) == Fast(n_blocks=8)


def test_without_a_method_the_default_one_is_meant() -> None:
    assert training(n_blocks=8) == Fast(n_blocks=8)


def test_a_key_of_another_method_says_whose_it_is() -> None:
    assert refused(device="cpu", n_epochs=0) == [
        ("training.n_epochs", "0 is too small", None),
        (
            "training.device",
            "device belongs to the method slow, and the method is fast",
            "remove it, or set training.method: slow",
        ),
    ]


def test_with_a_method_that_does_not_exist_the_keys_of_all_are_fine_and_other_mistakes_are_told() -> None:
    assert refused(method="fats", device="cpu", n_blocks=2, n_epochs=0, devise="cpu") == [
        ("training.method", "there is no method 'fats'", "did you mean fast?"),
        ("training.n_epochs", "0 is too small", None),
        ("training.devise", "there is no key 'devise' in training", "did you mean training.device?"),
    ]
    assert refused(method=["fast"])[0][1] == 'there is no method ["fast"]'


def test_the_reference_says_to_which_method_a_key_belongs() -> None:
    entries = [(entry.key, entry.default, entry.owner) for entry in _entries((Slow, Fast), "training.")]
    assert entries == [
        ("training.method", "slow", None),
        ("training.n_epochs", "5", "training.method: slow"),
        ("training.n_epochs", "20", "training.method: fast"),
        ("training.device", "cpu", "training.method: slow"),
        ("training.n_blocks", "4", "training.method: fast"),
    ]
