"""What arguments of the Python API may be: rules for `recsys.core.checked`."""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Mapping, Set
from typing import Any

from recsys.core.checked import LONGEST_INT, RefusedError, Rule, plain, shown
from recsys.core.errors import nearest
from recsys.core.words import counted, joined

MANY = 1_000_000  # as far as a count goes: beyond it is no list for anyone, and memory for none
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MOST_BYTES = 10**15
WHOLE_FLOATS = 2.0**53  # from here on, floats skip whole numbers


def optional(rule: Rule) -> Rule:
    """The same, or None."""
    return Rule(f"{rule.expected}, or None", lambda value: None if value is None else rule.accept(value))


def count(least: int = 1, most: int = MANY) -> Rule:
    """A whole number in this range; no bool, no float."""

    def accept(value: object) -> int:
        try:
            number = operator.index(plain(value))
        except TypeError:
            raise RefusedError(value) from None
        if isinstance(plain(value), bool) or not least <= number <= most:
            raise RefusedError(value)
        return number

    return Rule(f"a whole number from {least:,} to {most:,}", accept)


def _number(value: object) -> float:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise RefusedError(value)
    return float(number)


def _flag(value: object) -> bool:
    flag = plain(value)
    if not isinstance(flag, bool):
        raise RefusedError(value)
    return flag


def _text(value: object) -> str:
    text = plain(value)
    if not isinstance(text, str) or not text:
        raise RefusedError(value)
    return text


def _file_name(value: object) -> str:
    name = _text(value)
    if name in (os.curdir, os.pardir) or not {os.sep, os.altsep, "\0"}.isdisjoint(name):
        raise RefusedError(value)
    return name


def _path(value: object) -> Any:
    if not isinstance(value, str | os.PathLike):
        raise RefusedError(value)
    try:
        path = os.fspath(value)
        if not path or not isinstance(path, str):
            raise RefusedError(value)
        os.lstat(path)
    except FileNotFoundError:
        pass
    except ValueError:  # a NUL in it
        raise RefusedError(value) from None
    except OSError as error:
        if "too long" in str(error).lower():
            raise RefusedError(value, hint="the name is too long for a file") from None
    return value


def _function(value: object) -> object:
    if not callable(value):
        raise RefusedError(value)
    return value


def _ranks(value: object) -> object:
    if not hasattr(value, "shared_errors"):
        raise RefusedError(value)
    return value


ANY = Rule("anything", lambda value: value)
NUMBER = Rule("a finite number", _number)
LEVEL = Rule("a level between 0 and 1, such as 0.9", _number)
SECONDS = Rule("seconds since 1970-01-01 UTC, as recsys.parse_time makes them of a date", _number)
FLAG = Rule("True or False", _flag)
TEXT = Rule("a text", _text)
FILE_NAME = Rule("a plain file name", _file_name)
PATH = Rule("a path, as text or pathlib.Path", _path)
RANKS = Rule("what recsys.join_ranks() gives in a with statement", _ranks)
OBSERVER = Rule("a function that takes an event", _function)
FUNCTION = Rule("a function without arguments", _function)


def choice(*values: str) -> Rule:
    """One of these texts."""

    def accept(value: object) -> str:
        text = plain(value)
        if not isinstance(text, str):
            raise RefusedError(value)
        if text not in values:
            near = nearest(text, values)
            raise RefusedError(value, hint=f"did you mean {near!r}?" if near else None)
        return text

    return Rule(joined(map(repr, values)), accept)


MOST_SHARDS = 999_999


def _shard(value: object) -> tuple[int, int]:
    text = plain(value)
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text[:99]) if isinstance(text, str) else None
    if match and int(match[2]) > MOST_SHARDS:
        raise RefusedError(value, hint=f"at most {MOST_SHARDS:,} shares")
    if match is None or int(match[1]) > int(match[2]):
        raise RefusedError(value)
    return int(match[1]), int(match[2])


def _bytes(value: object) -> int:
    number = plain(value)
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?) ?([kMGT]?)B", number) if isinstance(number, str) else None
    n_bytes = round(float(match[1]) * UNITS[match[2]]) if match else number
    if isinstance(n_bytes, bool) or not isinstance(n_bytes, int) or not 1 <= n_bytes <= MOST_BYTES:
        raise RefusedError(value)
    return n_bytes


BYTES = Rule('a number of bytes, or a text such as "500MB" or "2GB"', _bytes)
"""Accepted as the number."""
SHARD = Rule('a share such as "3/16": the 3rd of 16', _shard)
"""Accepted as the pair of its numbers."""


def instance(kind: type | tuple[type, ...], expected: str) -> Rule:
    """A value of a type."""

    def accept(value: object) -> object:
        if not isinstance(value, kind):
            raise RefusedError(value)
        return value

    return Rule(expected, accept)


def options(**rules: Rule) -> Rule:
    """A mapping with some of these keys."""

    def accept(value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise RefusedError(value)
        for key in value:
            if key not in rules:
                near = nearest(str(key), [*rules])
                raise RefusedError(value, says=f"has a key {key!r}", hint=f"did you mean {near!r}?" if near else None)
        return {key: _within(rules[key], entry, f"[{key!r}]", rules[key].expected) for key, entry in value.items()}

    keys = joined((f"{key}: {rule.expected}" for key, rule in rules.items()), "and")
    return Rule(f"a mapping with any of {keys}", accept)


def listed(
    rule: Rule,
    expected: str,
    are_accepted: Callable[[list[Any]], bool] = lambda _: False,
    *,
    least: int = 0,
    most: float = math.inf,
    has_order: bool = True,
) -> Rule:
    """A list, tuple, array or column of what the rule takes; no text, whose signs would be its entries.

    Args:
        least, most: entries.
        has_order: False: a set will do.
        are_accepted: whether the rule takes all entries as they stand, seen at a glance.
    """

    def accept(value: object) -> list[Any]:
        if has_order and isinstance(value, Set):
            raise RefusedError(value)
        entries = entries_of(value)
        if not least <= len(entries) <= most:
            raise RefusedError(value, says=f"has {counted(len(entries), 'entry', 'entries')}")
        if are_accepted(entries):
            return entries
        return [_within(rule, entry, f"[{place}]") for place, entry in enumerate(entries)]

    return Rule(expected, accept)


def _within(rule: Rule, value: object, at: str, expected: str | None = None) -> Any:
    try:
        return rule.accept(value)
    except RefusedError as refused:
        raise refused.within(at, expected) from None


def entries_of(value: Any) -> list[Any]:
    """The entries of a list or a column.

    Raises:
        RefusedError: it is a text, a mapping, a table, or no list at all.
    """
    if isinstance(value, str | bytes):
        raise RefusedError(value, hint=f"a list of one: [{shown(value)}]")
    if isinstance(value, Mapping) or len(getattr(value, "shape", (0,))) != 1:
        raise RefusedError(value)
    for method in ("to_pylist", "tolist", "to_list"):  # of Arrow, NumPy and pandas, polars
        if hasattr(value, method):
            return list(getattr(value, method)())
    try:
        return list(value)
    except TypeError:
        raise RefusedError(value) from None


def _raw_id(value: object) -> int | str:
    """An id as files have them: 1.0, which tables make of 1 beside missing values, is 1."""
    raw = plain(value)
    if isinstance(raw, float) and math.isfinite(raw):
        if abs(raw) >= WHOLE_FLOATS:
            raise RefusedError(value, hint="so large a float has lost digits: pass a whole number or text")
        return int(raw) if raw.is_integer() else repr(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise RefusedError(value)
    if isinstance(raw, int) and raw.bit_length() > LONGEST_INT:
        raise RefusedError(value, hint="pass so long an id as text")
    return raw


def _are_plain_ids(entries: list[Any]) -> bool:
    kinds, end = set(map(type, entries)), 2**LONGEST_INT
    return kinds <= {int, str} and (int not in kinds or all(type(raw) is str or -end < raw < end for raw in entries))


def _some_rating(value: object) -> float:
    number = plain(value)
    return math.nan if number is None or (isinstance(number, float) and math.isnan(number)) else _number(value)


ID = Rule("an id, a whole number or a text", _raw_id)
IDS = listed(ID, "a list of ids, whole numbers or texts", _are_plain_ids)
ANY_IDS = listed(ID, "a list of ids, whole numbers or texts", _are_plain_ids, has_order=False)
RATINGS = listed(Rule("a number", _some_rating), "a list of finite numbers, NaN where there is no rating")
TEXTS = listed(TEXT, "a list of texts")
PATHS = listed(PATH, "a list of paths, as text or pathlib.Path")
