"""config.yaml of a run, and whether it still says what the run was started with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from recsys.artifacts.checkpoint import checkpoints, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.stored_config import stored_config
from recsys.artifacts.verified import VerifiedFolder
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.types import Json
from recsys.core.words import shell_command
from recsys.data.sources.origin import name_of

# What may change between an interruption and its resume, because the result does not depend on it.
PARTS = {f"data.{name}" for name in ("ratings", "train", "valid", "test", "item_features", "user_features")}
NEUTRAL = {*PARTS, "data.items", "data.prepared", "data.sha256"} | {
    f"{section}.{key}" for section in ("training", "ranking") for key in ("n_threads", "checkpoint_every")
}
UNCHANGED = "the same values, except for paths, n_threads and checkpoint_every"


def read_run_config(run: Path, overrides: Sequence[str] = ()) -> Config:
    """The config that a run was started with, changed by overrides; it is checked against the newest checkpoint.

    Raises:
        RunError: the file was changed in a key on which the result depends.
        ConfigError: an override is wrong.
    """
    config = stored_config(run)
    started = _started(run)
    if started is not None:
        check_as_started(run, config, started)
    return stored_config(run, overrides) if overrides else config


def check_same_config(run: Path, config: Config) -> None:
    """Refuses to go on with a run by a config that would give another result.

    Raises:
        RunError: the run was started with another config; it names each key with both values.
    """
    changed = changed_keys(deciding_values(read_run_config(run)), config)
    if changed:
        raise RunError(
            "the run was started with another config: " + "; ".join(changed),
            where=str(run / CONFIG),
            expected=UNCHANGED,
            hint="leave --config and --set out to resume it as it was started, or start a new run",
        )


def check_as_started(run: Path, config: Config, started: Mapping[str, Json]) -> None:
    """Refuses the config in a run's config.yaml if it is not the one that the run was started with.

    Args:
        started: as of `deciding_values`.
    Raises:
        RunError: it was changed in a key on which the result depends.
    """
    changed = changed_keys(started, config)
    if changed:
        anew = shell_command(["recsys", "train", str(run / CONFIG)])
        raise RunError(
            f"{CONFIG} was changed after the run was started: " + "; ".join(changed),
            where=str(run / CONFIG),
            expected=UNCHANGED,
            hint=f"set the old values again; or train anew with the changed ones: {anew}",
        )


def check_same_data(
    checkpoint: VerifiedFolder[CheckpointManifest], manifest: CheckpointManifest, config: Config
) -> None:
    """Refuses a checkpoint that was made from other data, by content: a file may lie elsewhere now.

    Args:
        manifest, config: of the run as it goes on.
    Raises:
        RunError: the data changed.
    """
    before = checkpoint.manifest.data
    changed = {part: before.get(part) for part, sha256 in manifest.data.items() if before.get(part) != sha256}
    if changed:
        files = ", ".join(_named(config, part) for part in changed)
        raise RunError(
            f"the data changed since the run was started: {files}",
            where=str(checkpoint.path),
            expected="the same bytes: " + ", ".join(f"sha256 {sha256} of {part}" for part, sha256 in changed.items()),
            hint="bring the old file back, or start a new run",
        )


def deciding_values(config: Config) -> dict[str, Json]:
    """The values on which a result depends, by dotted key."""
    return dict(_deciding(config.model_dump(mode="json")))


def changed_keys(before: Mapping[str, Json], config: Config) -> list[str]:
    """The keys in which a config differs from earlier values, as "key: old → new".

    A key that was not known then may have its default: the values may be of an older version.
    """
    after, given = deciding_values(config), dict(_deciding(config.model_dump(mode="json", exclude_defaults=True)))
    return [
        f"{key}: {before.get(key)!r} → {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and (key in before or key in given)
    ]


def _started(run: Path) -> Mapping[str, Json] | None:
    """As the newest checkpoint has them that can be read; None where there is none."""
    for path in reversed(checkpoints(run / CHECKPOINTS)):
        with contextlib.suppress(RunError):  # whoever reads it will refuse it
            return open_checkpoint(path).manifest.config
    return None


def _deciding(values: Mapping[str, Json], above: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in values.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and value:
            yield from _deciding(value, f"{key}.")
        elif key in PARTS and value is not None:
            yield key, "a file"  # its content is compared with the checkpoint's
        elif key not in NEUTRAL:
            yield key, value


def _named(config: Config, part: str) -> str:
    files = getattr(config.data, part)
    if files is None:
        return config.data.source
    return str(files) if isinstance(files, str) else str(name_of(files))
