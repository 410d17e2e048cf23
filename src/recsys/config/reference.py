"""Every key of a config with what it takes, its default and its doc: what the reference page and `init` are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from recsys.config.fields import Variants, docs, in_words, tag, tag_key, variants
from recsys.config.loading.dump import inline
from recsys.config.loading.problems import ROOT
from recsys.core.section import Section
from recsys.core.words import joined


@dataclass(frozen=True)
class Entry:
    """One key.

    Attributes:
        key: the full name, such as training.lr_max.
        type: what it takes, in words; "a section" for a section, which its keys follow.
        default: as it would stand in YAML; "" for a section; None if the key has to be given.
        doc: what it is for.
        owner: "training.method: adamw" where only some variants of a section have the key, or take or default it
            like this; else None.
    """

    key: str
    type: str
    default: str | None
    doc: str
    owner: str | None


def reference() -> list[Entry]:
    """The entry of every key, in the order of the sections. A key that variants take differently has several."""
    return list(_entries(ROOT, ""))


def _entries(sections: Variants, prefix: str) -> Iterator[Entry]:
    chooser = tag_key(sections)
    for name in _names(sections):
        inner = variants(_first(sections, name))
        if name == chooser:
            yield _tag_entry(sections, name, prefix)
            continue
        owned: dict[tuple[str, str | None, str], list[type[Section]]] = {}
        for section in sections:
            if name in section.model_fields:
                owned.setdefault(_facts(section, name), []).append(section)
        for (words, default, doc), owners in owned.items():
            tags = joined([str(tag(owner)) for owner in owners])
            owner = None if len(owners) == len(sections) else f"{prefix}{chooser}: {tags}"
            yield Entry(f"{prefix}{name}", words, default, doc, owner)
        if inner:
            yield from _entries(inner, f"{prefix}{name}.")


def _names(sections: Variants) -> list[str]:
    """The keys in order, the tag first, those of every variant before those of some."""
    chooser = tag_key(sections)
    names = list(dict.fromkeys(name for section in sections for name in section.model_fields))
    shared = [name for name in names if all(name in section.model_fields for section in sections)]
    ordered = [*shared, *(name for name in names if name not in shared)]
    return sorted(ordered, key=lambda name: name != chooser)


def _first(sections: Variants, name: str) -> FieldInfo:
    return next(section.model_fields[name] for section in sections if name in section.model_fields)


def _tag_entry(sections: Variants, name: str, prefix: str) -> Entry:
    texts = dict.fromkeys(docs(section)[name] for section in sections)
    tags = [str(tag(section)) for section in sections]
    return Entry(f"{prefix}{name}", joined(tags), tags[0], " ".join(texts), None)


def _facts(section: type[Section], name: str) -> tuple[str, str | None, str]:
    field, doc = section.model_fields[name], docs(section).get(name, "")
    if variants(field):
        return in_words(field), "", doc
    return in_words(field), None if field.is_required() else inline(field.get_default()), doc
