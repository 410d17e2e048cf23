"""Config → YAML that loads back to an equal Config."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

import yaml

from recsys.config.loading.yaml_nodes import RESOLVERS, STR
from recsys.config.schema.config import Config
from recsys.core.arguments import FLAG, instance
from recsys.core.checked import checked

WIDE = 2**20


@checked(config=instance(Config, "a Config, as load_config and run_config return"), ascii_only=FLAG)
def dump(config: Config, *, ascii_only: bool = False) -> str:
    """The whole config as YAML: every key that has a value, paths absolute and with forward slashes.

    Args:
        ascii_only: other letters as escapes.
    """
    plain = _plain(config.model_dump(exclude_none=True))
    return _yaml(plain, flow=False, ascii_only=ascii_only)


def inline(value: object) -> str:
    """A value on one line, as it stands in YAML, quoted where it has to be."""
    return _yaml(_plain(value), flow=True).removesuffix("\n").removesuffix("\n...")


def override(key: str, value: object) -> str:
    """What sets a key to a value, as `load_config` takes it."""
    return f"{key}={inline(value)}"


def _yaml(value: object, *, flow: bool, ascii_only: bool = False) -> str:
    written = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=not ascii_only, width=WIDE, default_flow_style=flow
    )
    return str(written)


class _Dumper(yaml.SafeDumper):
    """Quotes the text that YAML readers take for something else, by our rules or by PyYAML's own; lists in brackets."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_list(self, data: Any) -> yaml.SequenceNode:
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)

    def represent_text(self, data: str) -> yaml.ScalarNode:
        plain = data.isprintable() and not _other(data)
        return self.represent_scalar(STR, data, style=None if plain else '"')


_Dumper.add_representer(list, _Dumper.represent_list)
_Dumper.add_representer(str, _Dumper.represent_text)


def _other(text: str) -> bool:
    return any(re.fullmatch(pattern, text) for _, pattern, _ in RESOLVERS)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.as_posix() if isinstance(value, PurePath) else value
