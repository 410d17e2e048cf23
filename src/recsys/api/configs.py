"""Configs from files and mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from recsys.api.paths import PathLike, as_path
from recsys.config.loading.dump import override
from recsys.config.loading.load import config_from
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config
from recsys.config.schema.data import Files, absolute_files
from recsys.core.arguments import PATH, TEXTS
from recsys.core.checked import Rule, checked

ConfigLike: TypeAlias = Config | Mapping[str, object] | PathLike
"""A Config, its content as nested mappings with paths relative to the working directory, or a YAML file."""

NOTHING: Mapping[str, object] = MappingProxyType({})
ANY_CONFIG = Rule(
    "a Config, a mapping with its content, or the path of a config file",
    lambda value: value if isinstance(value, Config | Mapping) else PATH.accept(value),
)


@checked(path=PATH, overrides=TEXTS)
def load_config(path: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config of a YAML file, changed by overrides such as "training.n_epochs=5".

    Raises:
        ConfigError: the first thing that is wrong, by line; `more` holds the rest.
    """
    return read_config(as_path(path), overrides)


def config_on(
    config: ConfigLike, files: Files | None, overrides: Sequence[str] = (), named: Mapping[str, object] = NOTHING
) -> Config:
    """The Config that is meant, with other ratings in place of those that it names.

    Args:
        files: where they are; None: a table in memory.
        overrides, named: as of `as_config`.
    Raises:
        ConfigError: it is not valid.
    """
    is_stream = isinstance(config, Config) and config.data.source == "stream"  # a run that came through a pipe: resumed
    source = "frame" if files is None else "stream" if is_stream else "file"
    changes: dict[str, object] = {
        "source": source,
        **dict.fromkeys(("ratings", "train", "valid", "test", "prepared", "sha256")),
        "ratings": None if files is None else absolute_files(files),
    }
    return as_config(config, overrides, {**changes, **named})


def as_config(config: ConfigLike, overrides: Sequence[str] = (), named: Mapping[str, object] = NOTHING) -> Config:
    """The Config that is meant.

    Args:
        overrides: of a config file.
        named: keys of the section `data`, in place of what the config has there.
    Raises:
        ConfigError: it is not valid.
    """
    if isinstance(config, Config):
        return config.model_copy(update={"data": config.data.model_copy(update=named)}) if named else config
    if isinstance(config, Mapping):
        data = config.get("data") or {}
        values = {"data": {**data, **named}} if named and isinstance(data, Mapping) else {}
        return config_from({**config, **values}, Path.cwd())
    return read_config(as_path(config), [*overrides, *data_overrides(named)])


def data_overrides(named: Mapping[str, object]) -> list[str]:
    """What sets keys of the section `data`, as `load_config` takes it."""
    return [override(f"data.{key}", value) for key, value in named.items()]
