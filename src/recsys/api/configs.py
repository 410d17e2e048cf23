"""Configs from files, mappings and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from recsys.api.paths import PathLike
from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import config_from
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError

ConfigLike: TypeAlias = Config | Mapping[str, object] | PathLike
"""A Config, its content as nested mappings with paths relative to the working directory, or a YAML file."""


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


def as_config(config: ConfigLike) -> Config:
    """The Config that is meant.

    Raises:
        ConfigError: it is not valid.
    """
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return config_from(dict(config), Path.cwd())
    return read_config(Path(config))
