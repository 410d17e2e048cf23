"""A config for a ratings file that has been profiled."""

from __future__ import annotations

from pathlib import Path

from recsys.artifacts.outputs import is_replaceable, refuse_dash, write_output
from recsys.config.schema.data import Data
from recsys.config.template import template
from recsys.core.errors import UsageError
from recsys.core.files import relative_path, writing
from recsys.data.features.read import named
from recsys.data.file_profile import FileProfile


def check_new(output: Path) -> None:
    """Refuses to replace a file.

    Raises:
        UsageError: there is one, or it is "-".
    """
    refuse_dash(output)
    if output.exists() and is_replaceable(output):
        raise UsageError(
            f"{output} exists already", expected="a file that is new", hint="choose another --output, or delete it"
        )


def write_config(profile: FileProfile, output: Path, data: Data) -> None:
    """Writes a commented config, with the path of the ratings as seen from its folder.

    Args:
        data: what was said of the files.

    Raises:
        RunError: it cannot be written.
    """
    with writing(output):
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, str | int | bool] = {str(role): column for role, column in profile.layout.columns.items()}
    if profile.meaning == "clicks":
        columns["rating"] = False
    if profile.times is None and profile.layout.others:
        columns["timestamp"] = False
    files = profile.files if isinstance(profile.files, tuple) else (profile.files,)
    write_output(
        output,
        template(
            ratings=[_seen_from(output, file) for file in files],
            source=profile.source,
            n_ratings=profile.n_ratings,
            columns=columns,
            reading={**profile.layout.facts, **_meaning(profile), **_items_encoding(profile)},
            likely_codes=profile.likely_codes,
            items=None if profile.items is None else _seen_from(output, profile.items.path),
            item_columns={} if profile.items is None else profile.items.columns,
            features=_features(profile, output, data),
            notes=profile.describe()[1:],
        ),
    )


def _meaning(profile: FileProfile) -> dict[str, object]:
    """The keys of `data` that say what the rows are."""
    if profile.meaning == "counts":
        has_zeros = profile.scale is not None and profile.scale.low == 0
        codes: dict[str, object] = {"no_rating": (0, *profile.codes), "no_rating_rows": "drop"} if has_zeros else {}
        return {"rating_is": "count", "no_rating": profile.codes, **codes}
    if profile.meaning == "clicks":
        return {}
    return {"no_rating": profile.codes, "duplicates": _kept(profile)}


def _kept(profile: FileProfile) -> str:
    if not profile.n_duplicates:
        return "auto"
    return "newest" if profile.keeps_newest else "last"


def _features(profile: FileProfile, output: Path, data: Data) -> dict[str, object]:
    """The keys of `data` that name features, and say what is known of their columns."""
    keys: dict[str, object] = {}
    for features in profile.features:
        origin = features.origin
        keys[f"{features.role}_features"] = _seen_from(output, origin) if isinstance(origin, Path) else origin
        _, columns = named(data, features.role)
        if given := columns.model_dump(exclude_defaults=True):
            keys[f"{features.role}_feature_columns"] = given
    return keys


def _items_encoding(profile: FileProfile) -> dict[str, object]:
    """`items_encoding`, where that of the items file is another one than that of the ratings."""
    items = profile.items
    is_other = items is not None and items.encoding not in (None, profile.layout.facts.get("encoding"))
    return {"items_encoding": items.encoding} if items is not None and is_other else {}


def _seen_from(output: Path, path: Path) -> str:
    """The path as seen from the config's folder; absolute where the config is no file in one."""
    return relative_path(path, output.absolute().parent) if is_replaceable(output) else path.absolute().as_posix()
