"""What the config's models say about themselves: which keys there are, and in words what each takes.

Everything here is asked of the pydantic fields, so that a new key, method or model is known everywhere at once.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from recsys.core.section import Section, Words
from recsys.core.words import joined

Variants = tuple[type[Section], ...]
"""The models that a section may be: one, or one for each method or kind."""


def variants(field: FieldInfo) -> Variants:
    """The sections that a field may hold; empty for a plain value."""
    kinds = [kind for kind, _ in _alternatives(field.annotation, ())]
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section))


def fields(sections: Variants) -> dict[str, FieldInfo]:
    """Every key of a section; where variants share one, the first variant's."""
    return {name: field for section in reversed(sections) for name, field in section.model_fields.items()}


@cache
def tag_key(sections: Variants) -> str | None:
    """The key that says which variant a section is (such as method), or None."""
    shared = [name for name in fields(sections) if all(_only_choice(section, name) for section in sections)]
    return shared[0] if shared else None


def tag(section: type[Section]) -> str | None:
    """The value of the tag key that chooses this variant, or None where there is nothing to choose."""
    key = tag_key((section,))
    return None if key is None else _only_choice(section, key)


def tag_words(sections: Variants) -> str:
    """The tags of the variants, in words."""
    return joined([name for section in sections if (name := tag(section)) is not None])


@cache
def docs(section: type[Section]) -> dict[str, str]:
    """Key → the text that stands below it in the source, on one line.

    Read when somebody asks: pydantic, which could do the same, would do it whenever a config is loaded.
    """
    texts = {}
    for owner in (base for base in reversed(section.__mro__) if issubclass(base, Section)):
        (defined,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(defined, ast.ClassDef)
        for key, below in pairwise(defined.body):
            match key, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = " ".join(text.split())
    return texts


def takes(field: FieldInfo, *kinds: type) -> bool:
    """Whether one of `kinds` (such as int or Path) is among what a field accepts; not text of a certain look."""
    return any(
        kind in kinds and not any(isinstance(limit, Words) for limit in limits)
        for kind, limits in _alternatives(field.annotation, ())
    )


def only_choices(field: FieldInfo) -> bool:
    """Whether a field takes nothing but words that are known beforehand."""
    return all(get_origin(kind) is Literal for kind, _ in _alternatives(field.annotation, ()))


def choices(field: FieldInfo) -> list[str]:
    """The words that a field accepts."""
    literals = [get_args(kind) for kind, _ in _alternatives(field.annotation, ()) if get_origin(kind) is Literal]
    return [value for values in literals for value in values if isinstance(value, str)]


def in_words(field: FieldInfo, *, bounds: bool = True) -> str:
    """What a field accepts, such as "auto or a whole number of at least 1"; `bounds`: with the last part."""
    if variants(field):
        return "a section"
    words: list[str] = []
    for kind, limits in _alternatives(field.annotation, field.metadata):
        words += _words(kind, limits if bounds else [limit for limit in limits if isinstance(limit, Words)])
    return joined(list(dict.fromkeys(words)))


def known_keys(sections: Variants, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The full name of every key below a section, variants included."""
    for name, field in fields(sections).items():
        yield (*prefix, name)
        yield from known_keys(variants(field), (*prefix, name))


def _only_choice(section: type[Section], name: str) -> str | None:
    field = section.model_fields.get(name)
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    values = get_args(field.annotation)
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def _alternatives(annotation: Any, limits: Sequence[Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The members of a union, None left out, each with its constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        unpacked = [part for entry in extra for part in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]
        yield from _alternatives(inner, (*limits, *unpacked))
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member, limits)
    elif annotation is not type(None):
        yield annotation, tuple(limits)


def _words(kind: Any, limits: Sequence[Any]) -> list[str]:
    if get_origin(kind) is Literal:
        return [{True: "true", False: "false"}.get(value, str(value)) for value in get_args(kind)]
    if get_origin(kind) is tuple:
        members = get_args(kind)
        words = [word for part, more in _alternatives(members[0], ()) for word in _words(part, more)]
        each = joined(list(dict.fromkeys(words)))
        many = members[-1] is Ellipsis
        return [f"a list, each entry {each}" if many else f"a list of {len(members)} entries, each {each}"]
    shown = [limit.text for limit in limits if isinstance(limit, Words)]
    if shown:
        return shown
    if kind is str:
        return [f"text{_length(limits)}"]
    if kind is bool:
        return ["true", "false"]
    plain = {Path: "a path", int: "a whole number", float: "a number"}
    return [f"{plain.get(kind, 'a value')}{_range(limits)}"]


def _range(limits: Sequence[Any]) -> str:
    values = {
        name: getattr(limit, name) for limit in limits for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)
    }
    if values.keys() == {"ge", "le"}:
        return f" from {_bound(values['ge'])} to {_bound(values['le'])}"
    names = {"ge": "of at least", "gt": "above", "le": "up to", "lt": "below"}
    bounds = [f"{names[name]} {_bound(value)}" for name, value in values.items()]
    return f" {joined(bounds, 'and')}" if bounds else ""


def _bound(value: float) -> str:
    """A bound as it may be written in YAML."""
    return str(value) if isinstance(value, int) else f"{value:g}".replace("e+0", "e").replace("e+", "e")


def _length(limits: Sequence[Any]) -> str:
    values = {
        name: getattr(limit, name) for limit in limits for name in ("min_length", "max_length") if hasattr(limit, name)
    }
    low, high = values.get("min_length"), values.get("max_length")
    if low is not None and high is not None:
        return f" of {low} to {high} characters"
    return f" of at least {low} characters" if low else f" of at most {high} characters" if high else ""
