"""Paths as callers may pass them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, overload

from recsys.artifacts import outputs
from recsys.artifacts.directory import find_run
from recsys.core.arguments import PATH, PATHS
from recsys.core.checked import checked

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


@checked(output=PATH, inputs=PATHS)
def check_output(output: PathLike, inputs: Sequence[PathLike] = ()) -> None:
    """Refuses a file that cannot be written, or that must not be, before the work; what writes a file calls it, too.

    Args:
        inputs: files that the work reads.
    Raises:
        RunError: it is a folder, or in none, or a part of a run.
        UsageError: it is one of the inputs.
    """
    outputs.check_output(as_path(output), [as_path(path) for path in inputs])
