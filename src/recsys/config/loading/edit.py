"""A config file with some values changed: its comments, its order and its relative paths stay."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from recsys.config.loading.dump import dump, inline
from recsys.config.loading.file_text import text_of
from recsys.config.loading.load import load_config, parse_config
from recsys.config.loading.problems import ROOT
from recsys.config.loading.unvalidated import absolute
from recsys.config.loading.yaml_nodes import read_yaml
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.files import relative_path

Names = tuple[str, ...]


def edited_config(source: Path, config: Config, output: Path) -> str:
    """The text of a config file, changed so that it says `config` where it is written to `output`.

    A key that was a comment takes its line; what else is new comes last in its section. Where that cannot be done, such
    as for a section with a method of its own, the text is the whole config without comments.
    """
    try:
        text = text_of(source)
        changes = {**_moved_paths(text, source, output), **_changes(load_config(source), config)}
        for key, value in changes.items():
            text = _with_value(text, key, value)
        if parse_config(text, output) == config:
            return text
    except (ConfigError, _CannotEditError, yaml.YAMLError):  # libyaml reads some texts that Python's own reader refuses
        pass
    return dump(config)


def _changes(before: Config, after: Config) -> dict[Names, object]:
    old, new = (dict(_leaves(config.model_dump(exclude_none=True), ())) for config in (before, after))
    return {key: new.get(key) for key in [*old, *(new.keys() - old.keys())] if old.get(key) != new.get(key)}


def _leaves(values: Mapping[str, Any], key: Names) -> Iterator[tuple[Names, object]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _moved_paths(text: str, source: Path, output: Path) -> dict[Names, object]:
    """The relative paths of a file, as seen from the folder of another one."""
    if source.absolute().parent == output.absolute().parent:
        return {}
    values = read_yaml(text, lambda _, line: f"{source}:{line}").value
    if not isinstance(values, dict):
        return {}
    whole = dict(_leaves(absolute(values, source.absolute().parent, ROOT), ()))
    return {
        key: relative_path(Path(str(path)), output.absolute().parent)
        for key, given in _leaves(values, ())
        if (path := whole[key]) != given and not os.path.isabs(os.path.expanduser(str(given)))  # noqa: PTH111, PTH117
    }


class _CannotEditError(Exception):
    """A value stands in a form that is not changed in place."""


def _with_value(text: str, key: Names, value: object) -> str:
    """The text with one more value, or with another one in place of an old."""
    above, name = yaml.compose(text, Loader=yaml.SafeLoader), key[-1]
    assert above is not None, "it was read before"
    for depth, part in enumerate(key[:-1]):
        below = _child(above, part)
        if below is None:
            nested = inline({part: _nested(key[depth + 1 :], value)})[1:-1]
            return _inserted(text, above, nested)
        above = below
    old = _child(above, name)
    if old is not None:
        return _replaced(text, old, inline(value))
    entry = f"{name}: {inline(value)}"
    return _uncommented(text, above, name, entry) or _inserted(text, above, entry)


def _child(node: yaml.Node, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _replaced(text: str, old: yaml.Node, new: str) -> str:
    start, end = old.start_mark.index, old.end_mark.index
    if old.style in ("|", ">") if isinstance(old, yaml.ScalarNode) else not _is_flow(old):
        raise _CannotEditError
    return f"{text[:start]}{'' if start < end else ' '}{new}{text[end:]}"


def _is_flow(node: yaml.Node) -> bool:
    """Whether a mapping or a list stands in brackets."""
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _uncommented(text: str, above: yaml.Node, name: str, entry: str) -> str | None:
    """The text with the entry where a comment shows its default."""
    if not isinstance(above, yaml.MappingNode) or _is_flow(above):
        return None
    start = text.rfind("\n", 0, above.start_mark.index) + 1
    line = re.compile(rf"^{' ' * above.start_mark.column}# ?{re.escape(name)}: .*?(?P<doc>  #.*)?$", re.MULTILINE)
    match = line.search(text, start, above.end_mark.index)
    if match is None:
        return None
    return f"{text[: match.start()]}{' ' * above.start_mark.column}{entry}{match['doc'] or ''}{text[match.end() :]}"


def _inserted(text: str, above: yaml.Node, entry: str) -> str:
    """The text with the entry at the end of a mapping, or in one that was empty."""
    if isinstance(above, yaml.MappingNode) and _is_flow(above):
        end = above.end_mark.index - 1
        return f"{text[:end].rstrip()}{', ' if above.value else ''}{entry}{text[end:]}"
    if isinstance(above, yaml.MappingNode):
        last, indent = _last_leaf(above), above.start_mark.column
    elif isinstance(above, yaml.ScalarNode) and not above.value:
        last, indent = above, 2
    else:
        raise _CannotEditError
    end = text.find("\n", last.end_mark.index)
    end = len(text) if end < 0 else end
    return f"{text[:end]}\n{' ' * indent}{entry}{text[end:]}"


def _last_leaf(node: yaml.Node) -> yaml.Node:
    while isinstance(node, yaml.MappingNode) and not _is_flow(node):
        node = node.value[-1][1]
    if isinstance(node, yaml.SequenceNode) and not _is_flow(node):
        raise _CannotEditError
    return node


def _nested(key: Names, value: object) -> object:
    for part in reversed(key):
        value = {part: value}
    return value
