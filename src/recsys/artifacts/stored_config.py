"""config.yaml of a run, which is a file: a config that a person names may also be a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import load_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError


def stored_config(run: Path, overrides: Sequence[str] = ()) -> Config:
    """What it holds, changed by overrides; not compared with what the run was started with.

    Raises:
        RunError: it is a device or a pipe, which is not opened.
        ConfigError: it cannot be read, or an override is wrong.
    """
    path = run / CONFIG
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise RunError("this is no file", where=str(path), expected=f"a run, with its {CONFIG}")
    return load_config(path, overrides)
