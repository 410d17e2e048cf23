"""What tuning tries: a range or a list of values for each of some keys of a config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys.config.loading.file_text import text_of
from recsys.config.loading.load import config_from
from recsys.config.loading.yaml_nodes import read_yaml
from recsys.config.plans import Plan
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.resolve import resolve
from recsys.core.words import shortened
from recsys.training.specs import METHODS


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included; whole numbers where both are. `log`: each factor is as likely."""

    low: float
    high: float
    log: bool = False


Values = tuple[Any, ...]
Space = dict[str, Range | Values]


def default_space(plan: Plan) -> Space:
    """What the method tries for a model of this kind."""
    space: Space = resolve(METHODS[plan.training.method].models[plan.model.kind].space)
    return space


def read_space(path: Path, config: Config) -> Space:
    """The space in a YAML file: key → {low, high, log} or a list of values, each of which the config can take.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    text = text_of(path, "a file with the values to try, in YAML", NO_SPACE)
    document = read_yaml(text, lambda _, line: f"{path}:{line}", expected=EXPECTED)
    for _, wrong in document.errors:
        raise wrong
    if not isinstance(document.value, Mapping) or not document.value:
        raise ConfigError("this is no space", where=str(path), expected=EXPECTED)
    space = {str(key): _dimension(str(key), value, path) for key, value in document.value.items()}
    try:
        check_space(space, config)
    except ConfigError as error:
        error.where = f"{path}: {error.where}"
        raise
    return space


def check_space(space: Space, config: Config) -> None:
    """Refuses keys that the config has not, and values that they cannot take.

    Raises:
        ConfigError: with the key.
    """
    for key, dimension in space.items():
        ends = (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension
        for value in ends:
            config_with(config, {key: value})


def config_with(config: Config, values: Mapping[str, Any]) -> Config:
    """The config with some of its keys changed.

    Raises:
        ConfigError: it cannot be.
    """
    nested = config.model_dump(mode="json", exclude_none=True)
    for key, value in values.items():
        *sections, name = key.split(".")
        below = nested
        for section in sections:
            below = below.setdefault(section, {})
        below[name] = value
    return config_from(nested, Path.cwd())


NO_SPACE = "without --space, tune tries what suits the method"
EXPECTED = "keys with a range or values, as in\n    training.lr_max: {low: 0.01, high: 0.1, log: true}"


def _dimension(key: str, value: object, path: Path) -> Range | Values:
    if isinstance(value, list) and value:
        return tuple(value)
    if isinstance(value, Mapping) and {"low", "high"} <= value.keys() <= {"low", "high", "log"}:
        low, high, log = value["low"], value["high"], value.get("log", False)
        are_numbers = all(isinstance(bound, int | float) and abs(bound) < math.inf for bound in (low, high))
        if are_numbers and low < high and isinstance(log, bool) and (low > 0 or not log):
            return Range(low, high, log)
    raise ConfigError(
        f"{shortened(key)}: {shortened(repr(value))} is no range",
        where=str(path),
        expected=EXPECTED,
        hint="low < high; log: low > 0",
    )
