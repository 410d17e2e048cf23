"""The commented config that `recsys init` writes for a ratings file: what people change, with the rest at hand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType

from recsys.config.fields import docs
from recsys.config.loading.dump import inline
from recsys.config.schema.config import Config
from recsys.config.schema.data import Data
from recsys.core.section import Section
from recsys.core.words import counted, joined

WIDTH = 110
SHOWN = {"split": "method", "model": "embedding_dim", "training": "n_epochs", "ranking": "n_epochs"}
"""The key of each section that people change first; the others stand as comments."""
READING = (
    "rating_is",
    "no_rating",
    "no_rating_rows",
    "duplicates",
    "layout",
    "delimiter",
    "header",
    "quotes",
    "decimal",
    "timestamp_format",
    "encoding",
    "items_encoding",
)
CODES = ("no_rating", "no_rating_rows")
RATING = ("model", "training")
"""The sections that only a rating is learned by."""


def template(
    *,
    ratings: str | Sequence[str],
    n_ratings: int,
    columns: Mapping[str, str | int | bool],
    reading: Mapping[str, object] = MappingProxyType({}),
    likely_codes: Sequence[int] = (),
    items: str | None = None,
    item_columns: Mapping[str, str | int] = MappingProxyType({}),
    features: Mapping[str, object] = MappingProxyType({}),
    source: str = "file",
    notes: Sequence[str] = (),
) -> str:
    """YAML that `load_config` takes as it stands.

    Args:
        ratings: path of the ratings file, or of several, as it should stand in the config.
        n_ratings: how many ratings it has; with very few, none are held out.
        columns: user, item, rating, timestamp → column name or position (the last two also False); only those that are
            not found by themselves.
        reading: other keys of `data` that the file needs; what is left out or None stays the default.
        likely_codes: ratings that may stand for "no rating", for a comment.
        items: path of a file with titles, or None.
        item_columns: item, title → its columns, only those that are not found by themselves.
        features: the keys of `data` for features of items and users.
        source: file; or what the ratings are instead, "stream" or "frame": then `ratings` is only a name.
        notes: what was seen in the file, a comment line each.
    """
    paths = [ratings] if isinstance(ratings, str) else [*ratings]
    name = joined([PurePosixPath(PureWindowsPath(path).as_posix()).name for path in paths], "and")
    where = f"ratings: {inline(paths if len(paths) > 1 else paths[0])}" if source == "file" else f"source: {source}"
    has_events = columns.get("rating") is False or reading.get("rating_is") == "count"
    row = "event" if has_events else "rating"
    head = [f"{name}: {counted(n_ratings, row)}", *notes]
    head += ["", "A key behind # shows its default: remove the # to change it. `recsys config reference` explains all."]
    lines = [*(_comment(line) for line in head), "", "data:", f"  {where}"]
    lines += [f"  columns: {inline(dict(columns))}"] if columns else []
    lines += _line("items", items, docs(Data)["items"], active=items is not None)
    lines += [f"  item_columns: {inline(dict(item_columns))}"] if item_columns else []
    for key in ("item_features", "user_features"):
        lines += _line(key, features.get(key), docs(Data)[key], active=key in features)
        more = f"{key.removesuffix('s')}_columns"
        lines += [f"  {more}: {inline(features[more])}"] if more in features else []
    lines += _reading(columns, reading, likely_codes)
    for section, shown in SHOWN.items():
        if has_events and section in RATING:
            continue
        lines += ["", f"{section}:", *_section(Config.model_fields[section].default, shown, n_ratings)]
    seed = Config.model_fields["seed"].default
    return "\n".join([*lines, "", f"seed: {seed}  # {docs(Config)['seed']}", ""])


def _reading(
    columns: Mapping[str, str | int | bool], reading: Mapping[str, object], likely_codes: Sequence[int]
) -> Iterator[str]:
    for key in (key for key in READING if key not in CODES or columns.get("rating") is not False):
        default, given = Data.model_fields[key].default, reading.get(key)
        is_active = given is not None and given != default
        if key == "no_rating" and likely_codes:
            codes = [*likely_codes, *(given if isinstance(given, tuple) else ())]
            words = joined([str(code) for code in likely_codes])
            yield f'  # no_rating: {inline(codes)}  # if {words} stands for "no rating", remove the first #'
        if is_active or key != "no_rating" or not likely_codes:
            yield from _line(key, given if is_active else default, docs(Data)[key], active=is_active)


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
