"""Code by its name, "package.module:name": a table of such names loads nothing until one of them is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from recsys.core.errors import packages_for_training


def resolve(name: str) -> Any:
    """What a module calls by this name, such as "recsys.models.svdpp.module:build"; the module is imported.

    Raises:
        MissingExtraError: a package that it needs is not installed.
    """
    module, _, attribute = name.partition(":")
    with packages_for_training():
        return getattr(import_module(module), attribute)
