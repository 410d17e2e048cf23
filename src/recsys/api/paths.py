"""Paths as callers may pass them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

PathLike: TypeAlias = str | Path


def as_path(path: PathLike | None) -> Path | None:
    """The path, or None: the default."""
    return None if path is None else Path(path)
