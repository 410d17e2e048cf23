"""Configs from files and runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.api.arguments import PathLike
from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError


def load_config(path: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config of a YAML file, changed by overrides such as "training.n_epochs=5".

    Raises:
        ConfigError: the first thing that is wrong, by line; `more` holds the rest.
    """
    return read_config(Path(path), overrides)


def run_config(run_dir: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config that a run was started with, finished or not; `train` resumes the run with it.

    Args:
        overrides: as of `load_config`.
    Raises:
        RunError: there is no run in this folder.
        ConfigError: an override is wrong.
    """
    path = Path(run_dir) / CONFIG
    if not path.exists():
        raise RunError(
            "there is no run in this folder",
            where=str(run_dir),
            expected=f"a run, with its {CONFIG}",
            hint="recsys runs lists the runs; --config FILE starts a new one",
        )
    return read_config(path, overrides)
