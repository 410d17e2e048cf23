"""How large a YAML text may be, with its aliases written out: counted before any value is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

MOST_BYTES = 4 << 20  # of a file
MOST_VALUES = 100_000  # keys are values too
DEEPEST = 32  # levels; a config has five
TOO_DEEP = f"lists and mappings within each other go deeper than {DEEPEST} levels here"
CLOSE = "close the brackets, or write the values out"
PARSER_LIMIT = "maximum nesting depth"  # of libyaml, which reads ahead of the events


class LimitError(Exception):
    """The line, what is wrong there, and what to do."""


@dataclass
class _Size:
    """Of a value: how many it holds, itself included, and how many levels of them."""

    n_values: int = 1
    n_levels: int = 1

    def add(self, inner: _Size) -> None:
        self.n_values += inner.n_values
        self.n_levels = max(self.n_levels, inner.n_levels + 1)


def check_limits(events: Iterable[yaml.Event]) -> None:
    """Counts what a document holds; an alias counts as all that it stands for.

    Raises:
        LimitError: it is nested too deeply, or holds too much.
        yaml.MarkedYAMLError: it is no YAML.
    """
    open_values: list[tuple[str | None, _Size]] = [(None, _Size())]
    anchors: dict[str, _Size] = {}
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            anchors.pop(event.anchor or "", None)
            open_values.append((event.anchor, _Size()))
            _check(event, _Size(), open_values)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_values.pop()
            _close(event, anchor, size, open_values, anchors)
        elif isinstance(event, yaml.AliasEvent):
            _close(event, None, anchors.get(event.anchor or "", _Size()), open_values, anchors)
        elif isinstance(event, yaml.ScalarEvent):
            _close(event, event.anchor, _Size(), open_values, anchors)


def _close(
    event: yaml.Event,
    anchor: str | None,
    size: _Size,
    open_values: list[tuple[str | None, _Size]],
    anchors: dict[str, _Size],
) -> None:
    """A value is complete: it is part of the one around it, and what its anchor stands for."""
    _check(event, size, open_values)
    open_values[-1][1].add(size)
    if anchor is not None:
        anchors[anchor] = size


def _check(event: yaml.Event, size: _Size, open_values: list[tuple[str | None, _Size]]) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 1
    if len(open_values) - 1 + size.n_levels > DEEPEST:
        raise LimitError(line, TOO_DEEP, CLOSE)
    if sum(around.n_values for _, around in open_values) + size.n_values > MOST_VALUES:
        what = f"with its aliases (*name) written out, the text holds more than {MOST_VALUES:,} values here"
        raise LimitError(line, what, "write fewer values and aliases; many files are named by a pattern: 'parts/*.csv'")
