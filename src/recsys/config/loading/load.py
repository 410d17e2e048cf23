"""A YAML file and overrides → Config, with every error of them at once.

Precedence: defaults < file < overrides. Paths of a file are relative to that file, those of an override to the
working directory; the Config holds absolute paths.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recsys.config.loading.dump import dump, inline
from recsys.config.loading.file_text import text_of
from recsys.config.loading.problems import ROOT, dotted, show
from recsys.config.loading.unvalidated import SourceLocation, UnvalidatedConfig, absolute, not_a_section
from recsys.config.loading.yaml_limits import DEEPEST
from recsys.config.loading.yaml_nodes import Key, read_yaml
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.files import DASH
from recsys.core.words import shortened

__all__ = ["config_from", "dump", "load_config"]


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The Config of a YAML file, changed by overrides.

    Args:
        path: the file.
        overrides: "section.key=value" each, split at the first "="; the value is read as YAML, and a mapping
            replaces the mapping that was there.
    Raises:
        ConfigError: the first thing that is wrong, by line; `more` holds the rest.
    """
    return parse_config(text_of(path), path, overrides)


def parse_config(text: str, path: Path, overrides: Sequence[str] = ()) -> Config:
    """The Config of YAML text, as if it stood in a file; see `load_config`."""
    unvalidated = UnvalidatedConfig(root=SourceLocation((0, 0), str(path)))
    document = read_yaml(text, lambda key, line: str(SourceLocation((0, line), f"{path}:{line}").where(key)))
    unvalidated.errors += [((0, line), error) for line, error in document.errors]
    unvalidated.locations |= {key: SourceLocation((0, line), f"{path}:{line}") for key, line in document.lines.items()}
    if document.value is None:
        raise ConfigError(
            "the file is empty",
            where=str(path),
            expected="at least data: {ratings: FILE}",
            hint="recsys init FILE writes a config for a ratings file",
        )
    if not isinstance(document.value, dict):
        raise not_a_section(document.value, str(path))
    unvalidated.values = absolute(document.value, path.parent.absolute(), ROOT)
    for number, override in enumerate(overrides, start=1):
        _apply(unvalidated, override, number)
    return unvalidated.config()


def given_values(text: str, path: Path) -> dict[str, object]:
    """What the YAML text of a file gives, not validated; empty where it is no mapping.

    Raises:
        ConfigError: it is not YAML.
    """
    value = read_yaml(text, lambda _, line: f"{path}:{line}").value
    return value if isinstance(value, dict) else {}


def config_from(mapping: Mapping[str, Any], base: Path) -> Config:
    """The Config of nested dicts, as a YAML file would hold them; relative paths start at `base`.

    Raises:
        ConfigError: the first thing that is wrong; `more` holds the rest.
    """
    unvalidated = UnvalidatedConfig(root=SourceLocation((0, 0), None))
    values = _plain(mapping, (), unvalidated)
    if not isinstance(values, dict):
        raise not_a_section(values, None)
    unvalidated.values = absolute(values, base.absolute(), ROOT)
    return unvalidated.config()


def _apply(unvalidated: UnvalidatedConfig, override: str, number: int) -> None:
    """Sets one key of the draft; what stood below it is gone."""
    location = SourceLocation((number, 0), f"--set {shortened(override)}")
    dotted_key, equals, text = override.partition("=")
    key = tuple(part.strip() for part in dotted_key.split("."))
    if not equals or not all(key) or len(key) > DEEPEST:
        error = ConfigError("this sets no key", where=location.prefix, expected="--set section.key=value")
        unvalidated.errors.append((location.order, error))
        return
    location = SourceLocation(location.order, location.prefix, says=key)
    try:
        document = read_yaml(
            inline(text) if text == DASH else text, lambda below, _: str(location.where((*key, *below)))
        )
    except ConfigError as error:
        unvalidated.errors.append((location.order, error))
        return
    unvalidated.errors += [(location.order, error) for _, error in document.errors]
    nested: Any = document.value
    for part in reversed(key):
        nested = {part: nested}
    _merge(unvalidated, absolute(nested, Path.cwd(), ROOT), key, location)


def _merge(
    unvalidated: UnvalidatedConfig, nested: dict[str, Any], key: tuple[str, ...], location: SourceLocation
) -> None:
    below, above = nested, unvalidated.values
    for depth, part in enumerate(key[:-1], start=1):
        if above.get(part) is None:
            above[part] = {}
            unvalidated.locations[key[:depth]] = SourceLocation(location.order, location.prefix, says=key)
        if not isinstance(above[part], dict):
            what = f"{dotted(key[:depth])} is {show(above[part])} and has no keys below it"
            unvalidated.errors.append((location.order, ConfigError(what, where=location.prefix, expected="a section")))
            return
        below, above = below[part], above[part]
    unvalidated.locations = {known: place for known, place in unvalidated.locations.items() if known[: len(key)] != key}
    unvalidated.locations[key] = location
    above[key[-1]] = below[key[-1]]


def _plain(value: object, key: Key, unvalidated: UnvalidatedConfig) -> Any:
    """What YAML can hold, of what Python can: paths become text, tuples lists, NumPy's numbers Python's."""
    if len(key) > DEEPEST:
        what = f"mappings and lists within each other go deeper than {DEEPEST} levels"
        raise ConfigError(what, where=shortened(dotted(key)), expected="the sections of a config")
    if isinstance(value, Mapping):
        return {str(name): _plain(part, (*key, str(name)), unvalidated) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, (*key, number), unvalidated) for number, part in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    what = f"{type(value).__name__} is not something that a config can hold"
    unvalidated.add(
        key, ConfigError(what, where=unvalidated.where(key), expected="dicts, lists, text, numbers, true or false")
    )
    return str(value)
