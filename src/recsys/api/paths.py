"""Paths as callers may pass them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias, overload

from recsys.artifacts.directory import find_run

PathLike: TypeAlias = str | Path


@overload
def as_path(path: PathLike) -> Path: ...
@overload
def as_path(path: PathLike | None) -> Path | None: ...
def as_path(path: PathLike | None) -> Path | None:
    """The path, `~` expanded, or None: the default."""
    return None if path is None else Path(os.path.expanduser(path))  # noqa: PTH111 - leaves ~nobody as it is


@overload
def as_run(run: PathLike) -> Path: ...
@overload
def as_run(run: PathLike | None) -> Path | None: ...
def as_run(run: PathLike | None) -> Path | None:
    """The folder of a run that is given by its path or its name under the runs folder, or None: the default."""
    return None if run is None else find_run(Path(run))
