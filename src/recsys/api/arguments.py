"""What callers may pass: paths also as text, configs also as files or as mappings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from recsys.config.loading.load import config_from
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config

PathLike: TypeAlias = str | Path
ConfigLike: TypeAlias = Config | Mapping[str, object] | PathLike
"""A Config, its content as nested mappings with paths relative to the working directory, or a YAML file."""


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


def as_path(path: PathLike | None) -> Path | None:
    """The path, or None: the default."""
    return None if path is None else Path(path)
