"""What pydantic found wrong → errors in the words of the house, one for each key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from recsys.config.fields import (
    Variants,
    choices,
    fields,
    in_words,
    known_keys,
    only_choices,
    tag,
    tag_key,
    tag_words,
    takes,
    variants,
)
from recsys.config.loading.yaml_nodes import Key
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError, nearest
from recsys.core.words import joined

ROOT: Variants = (Config,)
PYDANTIC_OWN = set(get_args(ErrorType)) - {"value_error", "assertion_error"}
TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True)
class ConfigPath:
    """Where in the config an error lies.

    Attributes:
        key: full name of the key.
        owner: the section that it stands in, by variants.
        field: what the owner says about it; None for a key that the owner does not have, and for the root.
        inside: whether the error lies deeper in the value, such as in one entry of a list.
    """

    key: Key
    owner: Variants
    field: FieldInfo | None
    inside: bool

    @property
    def name(self) -> str:
        return str(self.key[-1])


def problems(
    details: Iterable[ErrorDetails], values: dict[str, Any], unsettled: set[Key], where: Callable[[Key], str | None]
) -> dict[Key, ConfigError]:
    """Key → what is wrong with it.

    Args:
        details: from pydantic's ValidationError.
        values: what was validated.
        unsettled: sections of which nobody knows the variant: keys of any variant are fine there.
        where: key → the place, as an error names it.
    """
    at: dict[Key, tuple[ConfigPath, list[ErrorDetails]]] = {}
    for detail in details:
        path_in_config = _spot(detail["loc"])
        if (
            path_in_config.key[:-1] in unsettled
            and path_in_config.field is None
            and path_in_config.name in fields(_sections_at(path_in_config.key[:-1]))
        ):
            continue
        at.setdefault(path_in_config.key, (path_in_config, []))[1].append(detail)
    errors: dict[Key, ConfigError] = {}
    for path_in_config, same in at.values():
        key, error = _problem(path_in_config, same, values, where)
        errors.setdefault(key, error)
    return errors


def show(value: object) -> str:
    """A value as it would stand in YAML, cut where it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def dotted(key: Key) -> str:
    """section.key"""
    return ".".join(map(str, key))


def bad_tag(key: Key, value: object, sections: Variants, where: str | None) -> ConfigError:
    """A method or a kind that does not exist; `key` is that of the tag."""
    tags = [name for section in sections if (name := tag(section)) is not None]
    close = nearest(value, tags) if isinstance(value, str) else None
    return ConfigError(
        f"there is no {key[-1]} {show(value)}",
        where=where,
        expected=joined(tags),
        hint=f"did you mean {close}?" if close else None,
    )


def _spot(loc: tuple[int | str, ...]) -> ConfigPath:
    """Follows pydantic's way through the models; steps that name a variant are not part of the key."""
    key: Key = ()
    owner, here, field = ROOT, ROOT, None
    for number, part in enumerate(loc):
        chosen = tuple(section for section in here if part in (tag(section), section.__name__))
        if chosen and part not in fields(here):
            here = chosen
            continue
        key, owner, field = (*key, part), here, fields(here).get(str(part))
        here = variants(field) if field is not None else ()
        if not here:
            return ConfigPath(key, owner, field, inside=number + 1 < len(loc))
    return ConfigPath(key, owner, field, inside=False)


def _problem(
    path_in_config: ConfigPath, same: list[ErrorDetails], values: dict[str, Any], where: Callable[[Key], str | None]
) -> tuple[Key, ConfigError]:
    for detail in same:
        if detail["type"] not in PYDANTIC_OWN:
            return _of_validator(path_in_config, detail, where)
    first = same[0]["type"]
    location = where(path_in_config.key)
    if first == "extra_forbidden" and path_in_config.field is None:
        return path_in_config.key, _unknown_key(path_in_config, values, location)
    sections = variants(path_in_config.field) if path_in_config.field else ROOT
    if first == "missing" and not path_in_config.inside:
        expected = in_words(path_in_config.field) if path_in_config.field else None
        return path_in_config.key, ConfigError(f"{path_in_config.name} is missing", where=location, expected=expected)
    if sections:
        tag_name, keys = tag_key(sections), joined(list(fields(sections)), "and")
        can_be_none = tag_name is not None and any(
            section.model_fields[tag_name].default == "none" for section in sections
        )
        value = show(_value(values, path_in_config.key))
        return path_in_config.key, ConfigError(
            f"{value} is not a section",
            where=location,
            expected=f"{'none, or ' if can_be_none else ''}keys below it: {keys}",
        )
    assert path_in_config.field is not None
    kinds = {detail["type"] for detail in same}
    return path_in_config.key, _misfit(
        path_in_config.name, _value(values, path_in_config.key), path_in_config.field, kinds, location
    )


def _of_validator(
    path_in_config: ConfigPath, detail: ErrorDetails, where: Callable[[Key], str | None]
) -> tuple[Key, ConfigError]:
    """What a validator of ours says; where it names a key, that key's place."""
    key = path_in_config.key
    named = str(detail.get("ctx", {}).get("key", ""))
    full = (*key, *named.split(".")) if named else key
    if named and full in set(known_keys(ROOT)):
        key = full
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return key, ConfigError(message, where=where(key))


def _unknown_key(path_in_config: ConfigPath, values: dict[str, Any], location: str | None) -> ConfigError:
    parent, name = path_in_config.key[:-1], path_in_config.name
    everywhere = [dotted(key) for key in known_keys(ROOT)]
    siblings = _sections_at(parent)
    owners = tuple(section for section in siblings if name in section.model_fields)
    if owners:
        chooser = tag_key(siblings) or "kind"
        now = _value(values, (*parent, chooser))
        return ConfigError(
            f"{name} belongs to the {chooser} {tag_words(owners)}, and the {chooser} is {now}",
            where=location,
            expected=f"keys of {now}: {joined(list(fields(path_in_config.owner)), 'and')}",
            hint=f"remove it, or set {dotted((*parent, chooser))}: {tag(owners[0])}",
        )
    elsewhere = [key for key in everywhere if key == name or key.endswith(f".{name}")]
    if elsewhere:
        return ConfigError(
            f"{name} does not belong {f'to {dotted(parent)}' if parent else 'at the top'}",
            where=location,
            expected=f"keys {_of(parent)}: {joined(list(fields(path_in_config.owner)), 'and')}",
            hint=f"it is {' or '.join(_nested(key) for key in elsewhere)}",
        )
    close = _nearest_key(name, parent, list(fields(path_in_config.owner)), everywhere)
    return ConfigError(
        f"there is no key {name!r}{f' in {dotted(parent)}' if parent else ''}",
        where=location,
        expected=f"one of {joined(list(fields(path_in_config.owner)))}",
        hint=f"did you mean {close}?" if close else None,
    )


def _nested(dotted_key: str) -> str:
    """The key as it stands in YAML: "training: {lr_max: …}"."""
    *sections, name = dotted_key.split(".")
    return "".join(f"{section}: {{" for section in sections) + f"{name}: …" + "}" * len(sections)


def _of(parent: Key) -> str:
    return f"of {dotted(parent)}" if parent else "at the top"


def _sections_at(key: Key) -> Variants:
    here = ROOT
    for part in key:
        here = variants(fields(here)[str(part)])
    return here


def _nearest_key(name: str, parent: Key, own: list[str], everywhere: list[str]) -> str | None:
    """The nearest key of the section, else of all; a key that has the word as a part (lr: lr_max) counts as near."""
    full = {key.rsplit(".", 1)[-1]: key for key in reversed(everywhere)}
    for keys in (own, list(full)):
        close = nearest(name, keys) or next((key for key in keys if name.lower() in key.split("_")), None)
        if close:
            return dotted((*parent, close)) if close in own else full[close]
    return None


def _misfit(name: str, value: object, field: FieldInfo, kinds: set[str], location: str | None) -> ConfigError:
    """A value that a field does not take."""
    if value is None:
        what = "no value is given"
    elif only_choices(field):
        what = f"there is no {name} {show(value)}"
    elif kinds & {"greater_than", "greater_than_equal"} and isinstance(value, int | float):
        what = f"{show(value)} is too small"
    elif kinds & {"less_than", "less_than_equal"} and isinstance(value, int | float):
        what = f"{show(value)} is too large"
    elif kinds & {"too_short", "string_too_short"}:
        what = f"{show(value)} is too short"
    elif kinds & {"too_long", "string_too_long"}:
        what = f"{show(value)} is too long"
    else:
        what = f"{show(value)} is not {in_words(field, bounds=False)}"
    return ConfigError(what, where=location, expected=in_words(field), hint=_value_hint(value, field))


def _value_hint(value: object, field: FieldInfo) -> str | None:
    if value is None:
        return "write a value, or leave the key out"
    if isinstance(value, float) and takes(field, int) and value.is_integer():
        return f"{value} is a float: write {int(value)}"
    if isinstance(value, str):
        if takes(field, bool) and value.lower() in TRUTH:
            return f"write {TRUTH[value.lower()]}"
        if takes(field, int, float) and value.removeprefix("-").replace(".", "", 1).isdecimal():
            return f"write it without quotes or leading zeros: {value.lstrip('0') or '0'}"
        close = nearest(value, choices(field))
        return f"did you mean {close}?" if close else None
    if isinstance(value, int | float) and not isinstance(value, bool) and takes(field, str, Path):
        return f"if it is text, write it in quotes: '{value}'"
    return None


def _value(values: object, key: Key) -> object:
    for part in key:
        values = values.get(str(part)) if isinstance(values, dict) else None
    return values
