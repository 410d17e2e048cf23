"""What training begins with where the ratings are in a prepared store, and whether the config agrees with that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from recsys.artifacts.manifest import damaged_by
from recsys.artifacts.store import Store, StoreManifest
from recsys.config.schema.config import Config
from recsys.config.schema.data import READING, Data
from recsys.config.schema.split import Split
from recsys.core.errors import ConfigError, DataError
from recsys.core.events import Note, Observer
from recsys.core.types import Json
from recsys.core.words import counted
from recsys.data.partition import ROW_BYTES
from recsys.data.read import catalogue_of
from recsys.data.sources.opening import bytes_of
from recsys.data.training_inputs import TrainingInputs
from recsys.workflows.sort_store import block_order, why_all_at_once

OPEN = (None, "auto")
"""What a config says of what the files are to say."""
ANOTHER = "prepare another store with this config"


def as_prepared(config: Config) -> Config:
    """The config with what it leaves out of reading, split and seed as its prepared store has it.

    Raises:
        RunError: the store is not there, or damaged.
        ConfigError: what the config says is not so in the store.
    """
    if config.data.prepared is None:
        return config
    store = Store.open(config.data.prepared)
    data = _section(store, Data, {**store.manifest.reading, "source": "stream"})
    reading = {key: getattr(data, key) for key in READING if key not in config.data.model_fields_set}
    filled: dict[str, object] = {"data": config.data.model_copy(update=reading)}
    if "split" not in config.model_fields_set:
        filled["split"] = _section(store, Split, store.manifest.split)
    if "seed" not in config.model_fields_set:
        filled["seed"] = store.manifest.seed
    filled_config = config.model_copy(update=filled)
    _check_agrees(filled_config, store)
    return filled_config


def prepared_inputs(config: Config, observe: Observer, *, reads_blocks: bool) -> TrainingInputs:
    """The inputs in a store. Training rows stay on disk where all scorers of the config train block by block.

    Args:
        reads_blocks: whether the job leaves them there; else all of them are read into memory.
    Raises:
        RunError: the store is not there, or damaged.
        ConfigError: it was prepared for another config.
    """
    assert config.data.prepared is not None
    store = Store.open(config.data.prepared)
    manifest = store.manifest
    _check_agrees(config, store)
    at_once = why_all_at_once(config)
    on_disk = reads_blocks and manifest.order is not None and at_once is None
    if on_disk:
        _check_order(config, store)
    elif reads_blocks:
        observe(Note(_why_in_memory(manifest, at_once)))
    splits = store.splits(in_memory=not on_disk, uses_times=config.uses_times)
    catalogue = catalogue_of(config.data, manifest.item_column, splits.train.items, observe)
    sums = {part: source.sha256 for part, source in manifest.sources.items()}
    return TrainingInputs(splits, catalogue, sums, prepared=store.prepared(with_blocks=on_disk))


S = TypeVar("S", Data, Split)


def _section(store: Store, kind: type[S], values: Mapping[str, Any]) -> S:
    try:
        return kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise damaged_by(store.folder.json, error) from error


def _check_agrees(config: Config, store: Store) -> None:
    """Raises ConfigError where the config says another thing of reading, split or seed, or names other files."""
    manifest = store.manifest
    ours = {
        "data": config.data.model_dump(mode="json", include=set(READING)),
        "split": config.split.model_dump(mode="json"),
        "seed": config.seed,
    }
    theirs = {"data": manifest.reading, "split": manifest.split, "seed": manifest.seed}
    found = dict(_flat({"data": manifest.found}))
    before, now = (
        {key: found.get(key, value) if value in OPEN else value for key, value in _flat(values)}
        for values in (theirs, ours)
    )
    changed = [
        f"{key}: {before.get(key)!r} in the store, {now[key]!r} in the config"
        for key in now
        if before.get(key) != now[key]
    ]
    changed += _other_files(config, manifest)
    if changed:
        raise _other(store, "; ".join(changed), f"leave the key out, to take it from the store; or {ANOTHER}")
    if config.uses_times and not manifest.has_times:
        raise _other(store, "it has no times, and this config uses them", ANOTHER)


def _other_files(config: Config, manifest: StoreManifest) -> list[str]:
    """What the config names beside the store, and is of another size than what that was made of."""
    changed = []
    for part, files in config.data.named_files.items():
        key = "ratings" if config.data.train is None else part
        source = manifest.sources.get(key)
        if source is None:
            changed.append(f"data.{key}: not in the store")
            continue
        try:
            n_bytes = bytes_of(files)
        except DataError:  # it need not be there
            continue
        if None not in (source.bytes, n_bytes) and source.bytes != n_bytes:
            changed.append(f"data.{key}: {source.bytes:,} bytes in the store, {n_bytes:,} now")
    return changed


def _check_order(config: Config, store: Store) -> None:
    """Raises ConfigError where the blocks are not in the order that the config's model needs."""
    manifest, stored = store.manifest, store.manifest.order
    needed = block_order(config, manifest.n_ratings, manifest.n_users, manifest.n_items)
    assert stored is not None
    if (stored.n_side, stored.tile_rows) != (needed.n_side, needed.tile_rows):
        blocks = [
            f"dim {order.dim} ({counted(order.n_side, 'range')}, tiles of {counted(order.tile_rows, 'row')})"
            for order in (stored, needed)
        ]
        what = f"model.embedding_dim: sorted for {blocks[0]}, and the config needs {blocks[1]}"
        raise _other(store, what, f"--set model.embedding_dim={stored.dim} fits this store; or {ANOTHER}")


def _other(store: Store, what: str, hint: str) -> ConfigError:
    return ConfigError(
        f"the store was prepared for another config: {what}",
        where=str(store.folder.json),
        expected="a config that agrees with the store",
        hint=hint,
    )


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _why_in_memory(manifest: StoreManifest, at_once: str | None) -> str:
    n_bytes = ROW_BYTES * manifest.n_interactions
    why = at_once or "it has no blocks to read"
    return f"the store is read into memory, {n_bytes / 1e6:,.1f} MB of ratings: {why}"
