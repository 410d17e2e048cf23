"""The names of the package."""

from __future__ import annotations

import pytest

import recsys
from recsys import api


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_is_there_and_says_what_it_does(name: str) -> None:
    assert getattr(recsys, name) is getattr(api, name)
    assert getattr(recsys, name).__doc__


def test_the_names_of_the_package_are_those_of_the_api() -> None:
    assert set(recsys.__all__) - {"__version__", "RecsysError"} == set(api.__all__)
    assert api.__all__ == sorted(api.TARGETS)
    assert dir(recsys) == sorted(recsys.__all__)


@pytest.mark.parametrize("module", [recsys, api])
def test_an_unknown_name_is_an_attribute_error(module: object) -> None:
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        module.fit  # type: ignore[attr-defined]  # noqa: B018
