"""Values on their way to a Config: where each was given, and all that is wrong with them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from recsys.config.fields import Variants, choices, fields, tag, tag_key, takes, variants
from recsys.config.loading.problems import ROOT, bad_tag, dotted, problems, show
from recsys.config.loading.yaml_nodes import Key
from recsys.config.schema.compatibility import method_for
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.files import DASH, STDIN

Order = tuple[int, int]
"""Of an error: 0 and the line in the file, then the number of the override and 0."""


@dataclass(frozen=True)
class SourceLocation:
    """Where a key was given.

    Attributes:
        order: where its errors come among all.
        prefix: "FILE:LINE" or "--set section.key=value"; None for the Python API.
        says: the key that the prefix says already.
    """

    order: Order
    prefix: str | None
    says: Key = ()

    def where(self, key: Key) -> str | None:
        """The place of `key`, as an error names it."""
        if not key or key == self.says:
            return self.prefix
        return f"{self.prefix}: {dotted(key)}" if self.prefix else dotted(key)


@dataclass
class UnvalidatedConfig:
    """Values that were read and not checked yet, with the place of each key; `root` is the place of all others."""

    root: SourceLocation
    values: dict[str, Any] = field(default_factory=dict)
    locations: dict[Key, SourceLocation] = field(default_factory=dict)
    errors: list[tuple[Order, ConfigError]] = field(default_factory=list)

    def add(self, key: Key, error: ConfigError) -> None:
        """Keeps an error, to be raised with the others."""
        self.errors.append((self.location(key).order, error))

    def location(self, key: Key) -> SourceLocation:
        """Where a key, or else the nearest section around it, was given."""
        around = (key[:length] for length in range(len(key), 0, -1))
        return next((self.locations[part] for part in around if part in self.locations), self.root)

    def where(self, key: Key) -> str | None:
        """The place of a key, as an error names it."""
        return self.location(key).where(key)

    def config(self) -> Config:
        """The Config.

        Raises:
            ConfigError: the first error, by its place; `more` holds the rest.
        """
        unsettled: set[Key] = set()
        values = self._settled(_with_method(self._writable(self.values, ())), (), ROOT, unsettled)
        try:
            config = Config.model_validate_json(json.dumps(values))
        except ValidationError as refused:
            places = {error.where for _, error in self.errors}
            for key, problem in problems(refused.errors(), values, unsettled, self.where).items():
                if problem.where is None or problem.where not in places:
                    self.add(key, problem)
        else:
            if not self.errors:
                return config
        raise together([error for _, error in sorted(self.errors, key=lambda pair: pair[0])])

    def _writable(self, value: Any, key: Key) -> Any:
        """The values with other text in place of infinity, NaN and broken text, which JSON cannot hold: all errors."""
        if isinstance(value, dict):
            return {name: self._writable(part, (*key, name)) for name, part in value.items()}
        if isinstance(value, list):
            return [self._writable(part, (*key, number)) for number, part in enumerate(value)]
        if isinstance(value, float) and not math.isfinite(value):
            what = f"{value} is not a finite number"
            self.add(key, ConfigError(what, where=self.where(key), expected="a finite number"))
            return str(value)
        if isinstance(value, str) and not value.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in value):
            self.add(key, ConfigError(f"{value!r} is not Unicode", where=self.where(key), expected="Unicode text"))
            return ascii(value)
        return value

    def _settled(self, values: dict[str, Any], key: Key, sections: Variants, unsettled: set[Key]) -> dict[str, Any]:
        """The values with a tag in each section that has variants, and {} for a section that is there but empty.

        A tag that does not exist is an error; the section is then checked as if it had the default one, so that
        its other errors are seen too.
        """
        settled = dict(values)
        for name, info in fields(sections).items():
            inner, here, value = variants(info), (*key, name), values.get(name)
            is_left_out = name not in values or info.default is None
            if not inner or (value is None and is_left_out and not info.is_required()):
                continue
            value = {} if value is None else value
            if isinstance(value, dict):
                value = self._settled(self._tagged(value, here, info, unsettled), here, inner, unsettled)
            settled[name] = value
        return settled

    def _tagged(self, values: dict[str, Any], key: Key, info: FieldInfo, unsettled: set[Key]) -> dict[str, Any]:
        sections = variants(info)
        chooser = tag_key(sections)
        if chooser is None:
            return values
        default = tag(type(info.default)) or tag(sections[0])
        given = values.get(chooser, default)
        if given in [tag(section) for section in sections]:
            return {**values, chooser: given}
        here = (*key, chooser)
        self.add(here, bad_tag(here, given, sections, self.where(here)))
        unsettled.add(key)
        return {**values, chooser: default}


def _with_method(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the method that fits the model, where none is named: pydantic sees one section at a time."""
    training = values.get("training")
    training = {} if training is None else training
    if not isinstance(training, dict) or "method" in training:
        return values
    return {**values, "training": {"method": method_for(values.get("model")), **training}}


def together(errors: list[ConfigError]) -> ConfigError:
    """The first of the errors, with the rest in `more`."""
    first, *rest = errors
    if not rest:
        return first
    return ConfigError(first.what, where=first.where, expected=first.expected, hint=first.hint, more=rest)


def absolute(values: Any, base: Path, sections: Variants) -> Any:
    """The values with every path made absolute, from `base` on; an empty path is none."""
    if not isinstance(values, dict):
        return values
    known = fields(sections)
    changed = dict(values)
    for name, value in values.items():
        info = known.get(name)
        if info is not None and variants(info):
            changed[name] = absolute(value, base, variants(info))
        elif info is not None and takes(info, Path) and value not in choices(info):
            changed[name] = _absolute_path(value, base)
    return changed


def _absolute_path(value: Any, base: Path) -> Any:
    """A path or each path of a list; what is neither is refused later."""
    if isinstance(value, list):
        return [_absolute_path(part, base) for part in value]
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    if value == DASH:
        return STDIN.as_posix()
    return os.path.abspath(base / os.path.expanduser(value))  # noqa: PTH100, PTH111 - Path leaves .. where it is


def not_a_section(value: object, where: str | None) -> ConfigError:
    """A list or a plain value in place of the sections."""
    kind = "a list" if isinstance(value, list) else show(value)
    first = " ".join(f"{name}:" for name in fields(ROOT))
    hint = "for a file of ratings: recsys init RATINGS writes a config" if isinstance(value, str) else None
    return ConfigError(f"the config is {kind}", where=where, expected=f"sections: {first}", hint=hint)
