"""The commented config that `recsys init` writes for a ratings file: what people change, with the rest at hand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType

from recsys.config.fields import docs
from recsys.config.loading.dump import inline
from recsys.config.schema.config import Config
from recsys.config.schema.data import Data
from recsys.core.section import Section

WIDTH = 110
SHOWN = {"split": "method", "model": "embedding_dim", "training": "n_epochs", "ranking": "n_epochs"}
"""The key of each section that people change first; the others stand as comments."""
READING = ("duplicates", "delimiter", "header", "encoding")


def template(
    *,
    ratings: str,
    n_ratings: int,
    columns: Mapping[str, str | int | bool],
    reading: Mapping[str, str | bool | None] = MappingProxyType({}),
    duplicates: str = "auto",
    items: str | None = None,
    notes: Sequence[str] = (),
) -> str:
    """YAML that `load_config` takes as it stands.

    Args:
        ratings: path of the ratings file, as it should stand in the config.
        n_ratings: how many ratings it has; with very few, none are held out.
        columns: user, item, rating, timestamp → column name or position (timestamp also False); only those that are
            not found by themselves.
        reading: delimiter, header and encoding that the data needs; what is left out or None stays the default.
        duplicates: auto, error, last, first or count.
        items: path of a file with titles, or None.
        notes: what was seen in the file, a comment line each.
    """
    name = PurePosixPath(PureWindowsPath(ratings).as_posix()).name
    head = [f"{name}: {n_ratings:,} {'rating' if n_ratings == 1 else 'ratings'}", *notes]
    head += ["", "A key behind # shows its default: remove the # to change it. `recsys config reference` explains all."]
    lines = [*(_comment(line) for line in head), "", "data:", f"  ratings: {inline(ratings)}"]
    lines += [f"  columns: {inline(dict(columns))}"] if columns else []
    lines += _line("items", items, docs(Data)["items"], active=items is not None)
    for key in READING:
        default, given = Data.model_fields[key].default, duplicates if key == "duplicates" else reading.get(key)
        is_active = given is not None and given != default
        lines += _line(key, given if is_active else default, docs(Data)[key], active=is_active)
    for section, shown in SHOWN.items():
        lines += ["", f"{section}:", *_section(Config.model_fields[section].default, shown, n_ratings)]
    seed = Config.model_fields["seed"].default
    return "\n".join([*lines, "", f"seed: {seed}  # {docs(Config)['seed']}", ""])


def _section(default: Section, shown: str, n_ratings: int) -> list[str]:
    doc = docs(type(default))
    lines = _above(doc[shown])
    lines.append(f"  {shown}: {inline(getattr(default, shown))}")
    for key in type(default).model_fields:
        value = getattr(default, key)
        if key.endswith("_fraction") and round(n_ratings * value) == 0:
            lines.append(f"  {key}: 0  # too few ratings to hold some out")
        elif key != shown:
            lines += _line(key, value, doc[key], active=False)
    return lines


def _line(key: str, value: object, doc: str, *, active: bool) -> list[str]:
    """The key with its doc: on one line, if need be cut after a sentence, else above the key."""
    start = f"  {'' if active else '# '}{key}: {inline(value)}"
    for words in (doc, re.split(r"[.;] ", doc)[0]):
        if len(start) + len(words) + 4 <= WIDTH:
            return [f"{start}  # {words}"]
    return [*_above(doc), start]


def _above(doc: str) -> list[str]:
    return [f"  # {line}" for line in textwrap.wrap(doc, WIDTH - 4)]


def _comment(text: str) -> str:
    """A comment line; signs that would end it, or that YAML refuses, are escaped."""
    safe = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return f"# {safe}".rstrip()
