"""YAML text → plain values, and the line on which each key stands.

PyYAML's safe loader, adjusted to what people mean in a config: 5e-3 is a number; no, on, 1:30, 010 and dates stay
text; a key that stands twice is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn

import yaml
from yaml.reader import Reader

from recsys.config.loading.yaml_limits import CLOSE, MOST_BYTES, PARSER_LIMIT, TOO_DEEP, LimitError, check_limits
from recsys.core.errors import ConfigError
from recsys.core.words import shortened

Key = tuple[str | int, ...]
"""The way to a value: names of keys, and positions in lists."""

STANDARD = "tag:yaml.org,2002:"  # what !! stands for
NULL, BOOL, INT, FLOAT, STR, MERGE, MAP, SEQ = (
    f"{STANDARD}{t}" for t in ("null", "bool", "int", "float", "str", "merge", "map", "seq")
)
TAGS: dict[type[yaml.Node], tuple[str, ...]] = {
    yaml.MappingNode: (MAP,),
    yaml.SequenceNode: (SEQ,),
    yaml.ScalarNode: (NULL, BOOL, INT, FLOAT, STR, MERGE),
}
"""Those that values have by themselves."""

RESOLVERS: list[tuple[str, str, str]] = [
    (NULL, r"~|null|Null|NULL|", "~nN"),
    (BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (INT, r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (FLOAT, r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?", "-+.0123456789"),
    (FLOAT, r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    (MERGE, r"<<", "<"),
]
"""Tag, pattern and first letters of the plain scalars that are not text; the first that fits counts."""

SYNTAX_HINTS = {
    "mapping values are not allowed": "put text that holds a colon in quotes, and check the indentation",
    "cannot start any token": "indent with spaces, not tabs; put text that starts with a special sign in quotes",
    "escape character": "in double quotes a backslash starts an escape: use single quotes, or / in paths",
    "block sequence entries": 'put "-", which is standard input, in quotes; a list stands in brackets: [a.csv, b.csv]',
    "single document": "keep one document: remove the line ---",
}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes; the values are built here, from the nodes."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in RESOLVERS:
    for _letter in [*_first, *([""] if _tag == NULL else [])]:
        _resolver = (_tag, re.compile(rf"(?:{_pattern})\Z"))
        _Loader.yaml_implicit_resolvers.setdefault(_letter, []).append(_resolver)


@dataclass(frozen=True)
class Document:
    """What a YAML text holds.

    Attributes:
        value: dicts with str keys, lists, str, int, float, bool and None.
        lines: the line of each key and list entry, from 1.
        errors: what is wrong but did not keep the rest from being read: keys that stand twice, odd tags.
    """

    value: object
    lines: dict[Key, int]
    errors: list[tuple[int, ConfigError]]


def read_yaml(text: str, where: Callable[[Key, int], str], *, expected: str = "the sections of a config") -> Document:
    """The values of one YAML document.

    Args:
        text: the document.
        where: (key, line) → the place, as an error names it.
        expected: what the text should be, for messages.
    Raises:
        ConfigError: text that is not YAML, or larger than one may be.
    """
    if len(text) > MOST_BYTES:
        raise too_long(where((), 1), expected)
    odd = Reader.NON_PRINTABLE.search(text)
    if odd:
        raise ConfigError(
            f"the character {odd.group()!r} cannot stand in YAML",
            where=where((), text.count("\n", 0, odd.start()) + 1),
            expected="text without control characters",
        )
    try:
        check_limits(yaml.parse(text, _Loader))
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        _refuse(error, where, expected)
    except LimitError as error:
        line, what, hint = error.args
        raise ConfigError(what, where=where((), line), expected=expected, hint=hint) from None
    builder = _Builder(where)
    return Document(None if node is None else builder.build(node, ()), builder.lines, builder.errors)


def too_long(where: str, expected: str) -> ConfigError:
    """The error of a text that is larger than a YAML file may be."""
    what = f"the text is longer than {MOST_BYTES >> 20} MB"
    return ConfigError(what, where=where, expected=expected, hint="is it the right file?")


def _refuse(error: yaml.MarkedYAMLError, where: Callable[[Key, int], str], expected: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = " ".join(part for part in (error.context, error.problem) if part)
    if PARSER_LIMIT in problem:
        raise ConfigError(TOO_DEEP, where=where((), line), expected=expected, hint=CLOSE) from None
    hint = next((hint for part, hint in SYNTAX_HINTS.items() if part in problem), None)
    what = f"not YAML at column {column}: {problem}"
    raise ConfigError(what, where=where((), line), expected="YAML", hint=hint) from None


@dataclass
class _Builder:
    where: Callable[[Key, int], str]
    lines: dict[Key, int] = field(default_factory=dict)
    errors: list[tuple[int, ConfigError]] = field(default_factory=list)
    open_nodes: set[int] = field(default_factory=set)

    def build(self, node: yaml.Node, key: Key) -> object:
        if id(node) in self.open_nodes:
            self.refuse(node, key, f"{'.'.join(map(str, key))} holds itself", "an alias to something else")
            return None
        self.open_nodes.add(id(node))
        self.check_tag(node, key)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, key)
            if isinstance(node, yaml.SequenceNode):
                return [self.entry(child, (*key, number)) for number, child in enumerate(node.value)]
            return self.scalar(node, key)
        finally:
            self.open_nodes.discard(id(node))

    def entry(self, node: yaml.Node, key: Key) -> object:
        self.lines[key] = node.start_mark.line + 1
        return self.build(node, key)

    def mapping(self, node: yaml.MappingNode, key: Key, taken: frozenset[str] = frozenset()) -> dict[str, object]:
        """The values by key.

        Args:
            taken: keys that the mapping has which this one is merged into.
        """
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        first_line: dict[str, int] = {}
        own_keys = taken | {name.value for name, _ in node.value if _is_key(name)}
        for name, value in node.value:
            line = name.start_mark.line + 1
            self.check_tag(name, key)
            if not isinstance(name, yaml.ScalarNode):
                self.refuse(name, key, "a key that is a list or a mapping", "a word before the colon")
            elif name.tag == MERGE:
                merged = {**self.merge(value, key, own_keys), **merged}
            elif name.value in taken:
                continue
            elif name.value in own:
                self.twice(key, name.value, line, first_line[name.value])
            else:
                self.lines[(*key, name.value)] = first_line[name.value] = line
                own[name.value] = self.build(value, (*key, name.value))
        return {**merged, **own}

    def merge(self, node: yaml.Node, key: Key, taken: frozenset[str]) -> dict[str, object]:
        """The keys that `<<` brings in; of several mappings the first that has a key counts."""
        values: dict[str, object] = {}
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                self.refuse(part, key, "<< takes a mapping, and this is none", "<<: *name")
            elif id(part) in self.open_nodes:
                self.refuse(part, key, "<< takes another mapping, and this is the one around it", "<<: *name")
            else:
                self.open_nodes.add(id(part))
                self.check_tag(part, key)
                values |= self.mapping(part, key, taken | values.keys())
                self.open_nodes.discard(id(part))
        return values

    def twice(self, key: Key, name: str, line: int, first: int) -> None:
        error = ConfigError(
            f"the key {name} stands twice",
            where=self.where((*key, name), line),
            expected="each key once",
            hint=f"keep one of them; the first stands on line {first}",
        )
        self.errors.append((line, error))

    def scalar(self, node: yaml.Node, key: Key) -> object:
        tag, text = node.tag, str(node.value)
        try:
            if tag == INT:
                return int(text)
            if tag == FLOAT:
                return float(text.replace(".inf", "inf").replace(".nan", "nan") if text[-1] in "fnFN" else text)
        except ValueError:
            self.refuse(node, key, f"{shortened(text)!r} is not a number", "a number")
            return shortened(text)
        if tag == BOOL:
            return text.lower() == "true"
        return None if tag == NULL else text

    def check_tag(self, node: yaml.Node, key: Key) -> None:
        if node.tag not in TAGS[type(node)]:
            tag = shortened(node.tag.replace(STANDARD, "!!"))
            self.refuse(node, key, f"the tag {tag} means nothing here", "plain values, lists and mappings")

    def refuse(self, node: yaml.Node, key: Key, what: str, expected: str) -> None:
        line = node.start_mark.line + 1
        self.errors.append((line, ConfigError(what, where=self.where(key, line), expected=expected)))


def _is_key(name: yaml.Node) -> bool:
    return isinstance(name, yaml.ScalarNode) and name.tag != MERGE
