"""Configs from files, mappings and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from recsys.api.paths import PathLike, as_path, as_run
from recsys.artifacts.directory import CONFIG
from recsys.config.loading.load import config_from
from recsys.config.loading.load import load_config as read_config
from recsys.config.schema.config import Config
from recsys.core.arguments import PATH, TEXTS, Rule, checked
from recsys.core.errors import RunError

ConfigLike: TypeAlias = Config | Mapping[str, object] | PathLike
"""A Config, its content as nested mappings with paths relative to the working directory, or a YAML file."""

ANY_CONFIG = Rule(
    "a Config, a mapping with its content, or the path of a config file",
    lambda value: value if isinstance(value, Config | Mapping) else PATH.accept(value),
)

IN_MEMORY: Mapping[str, str | None] = {"source": "frame", **dict.fromkeys(("ratings", "train", "valid", "test"))}
"""The keys of `data` where the ratings are a table in memory."""


@checked(path=PATH, overrides=TEXTS)
def load_config(path: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config of a YAML file, changed by overrides such as "training.n_epochs=5".

    Raises:
        ConfigError: the first thing that is wrong, by line; `more` holds the rest.
    """
    return read_config(as_path(path), overrides)


@checked(run_dir=PATH, overrides=TEXTS)
def run_config(run_dir: PathLike, overrides: Sequence[str] = ()) -> Config:
    """The Config that a run was started with, finished or not; `train` resumes the run with it.

    Args:
        overrides: as of `load_config`.
    Raises:
        RunError: there is no run in this folder.
        ConfigError: an override is wrong.
    """
    path = as_run(run_dir) / CONFIG
    if not path.exists():
        raise RunError(
            "there is no run in this folder",
            where=str(run_dir),
            expected=f"a run, with its {CONFIG}",
            hint="recsys runs lists the runs; --config FILE starts a new one",
        )
    return read_config(path, overrides)


def frame_config(config: ConfigLike) -> Config:
    """The Config that is meant, with a table in memory in place of the files that it names.

    Raises:
        ConfigError: it is not valid.
    """
    if isinstance(config, Config):
        return config.model_copy(update={"data": config.data.model_copy(update=IN_MEMORY)})
    if isinstance(config, Mapping):
        data = config.get("data") or {}
        values = {**data, **IN_MEMORY} if isinstance(data, Mapping) else data
        return config_from({**config, "data": values}, Path.cwd())
    return read_config(as_path(config), [f"data.{key}={value or 'null'}" for key, value in IN_MEMORY.items()])


def as_config(config: ConfigLike) -> Config:
    """The Config that is meant.

    Raises:
        ConfigError: it is not valid.
    """
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return config_from(dict(config), Path.cwd())
    return read_config(as_path(config))
