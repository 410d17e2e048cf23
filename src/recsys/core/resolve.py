"""Code by its name, "package.module:name": a table of such names loads nothing until one of them is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def resolve(name: str) -> Any:
    """What a module calls by this name, such as "recsys.models.svdpp.module:build"; the module is imported."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
