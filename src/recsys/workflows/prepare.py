"""Ratings read, split and sorted once, in a store from which any number of runs are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, cast

from recsys.artifacts.entries import IdTypes
from recsys.artifacts.held_out import HELD_OUT, held_out_arrays
from recsys.artifacts.manifest import FORMAT
from recsys.artifacts.store import ITEMS, ROWS, TIMES, USERS, SourceEntry, StoreManifest
from recsys.artifacts.texts import pack_ids
from recsys.artifacts.write_bundle import id_type
from recsys.artifacts.write_store import StoreWriter, check_place, new_store
from recsys.config.schema.config import Config
from recsys.config.schema.data import READING, Data
from recsys.core.communicator import ALONE
from recsys.core.events import Observer, silent
from recsys.core.types import Array, Json
from recsys.data.chunks import chunks
from recsys.data.interactions import Dataset, HeldOut, Interactions
from recsys.data.read import read_ratings
from recsys.data.sources.opening import bytes_of, open_source
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING
from recsys.data.split import split
from recsys.version import __version__
from recsys.workflows.prepare_on_disk import WrittenRows, read_on_disk, rows_alone
from recsys.workflows.sort_store import Orders

COUNTS = ("n_interactions", "n_ratings", "n_users", "n_items", "n_duplicates")


class PreparedStore(TypedDict):
    """What was written: counts of train and of what is held out, the bytes on disk, and what the blocks are for.

    Attributes:
        order: n_side, tile_rows and dim of the model; None: there are no blocks.
    """

    store: str
    n_interactions: int
    n_ratings: int
    n_valid: int
    n_test: int
    n_users: int
    n_items: int
    n_duplicates: int
    n_bytes: int
    order: dict[str, int] | None


def prepare(
    config: Config, output: Path, *, memory: int, data: Dataset | None = None, observe: Observer = silent
) -> PreparedStore:
    """Writes a store of the ratings that the config names, split as it says and sorted for its model.

    Args:
        memory: bytes that the process may take, about, but for what has to be read into memory.
        data: the ratings; None: those that the config names are read.
    Raises:
        ConfigError, DataError, RunError
        UsageError: it takes more memory.
    """
    check_place(output)
    with new_store(output) as writer:
        rows = None if data is not None else read_on_disk(config, writer, memory, observe)
        if rows is None:
            rows = _read_in_memory(config, writer, memory, data, observe)
        splits, manifest = rows.splits, _manifest(config, rows, _found(config.data) if data is None else {})
        writer.write(USERS, pack_ids(splits.train.users))
        writer.write(ITEMS, pack_ids(splits.train.items))
        parts: dict[HeldOut, Interactions | None] = {"valid": splits.valid, "test": splits.test}
        held_out = held_out_arrays(parts, splits.unknown, splits.unknown_part, with_times=True)
        writer.write(HELD_OUT, held_out)
        n_bytes = writer.close(manifest)
    counts = {name: getattr(manifest, name) for name in COUNTS}
    n_held_out = {"n_valid": len(splits.valid or ()), "n_test": len(splits.test or ())}
    order = None if rows.order is None else rows.order.to_dict()
    return cast(PreparedStore, {"store": str(output), **counts, **n_held_out, "n_bytes": n_bytes, "order": order})


def _read_in_memory(
    config: Config, writer: StoreWriter, memory: int, data: Dataset | None, observe: Observer
) -> WrittenRows:
    """The training rows in all their orders, by way of memory."""
    if data is None:
        data = read_ratings(rows_alone(config), ALONE, observe, uses_times=config.uses_times)
    splits = split(data, config.split, config.seed)
    orders = Orders(writer, config, splits.train.user_counts, splits.train.item_counts, memory)
    splits = replace(splits, train=_written(splits.train, writer, orders))
    order = orders.write(splits)
    return WrittenRows(splits, order, data.identify(), data.item_column, data.n_duplicates)


def _written(train: Interactions, writer: StoreWriter, orders: Orders) -> Interactions:
    """The rows as they lie on disk now."""
    columns: dict[str, Array] = {"row_user": train.user_idx, "row_item": train.item_idx, "row_rating": train.rating}
    if train.timestamp is not None:
        columns["row_time"] = train.timestamp
    kinds, n_rows = {**ROWS, **TIMES}, len(train)
    own = {name: kinds[name] for name in columns}
    with writer.columns(own, n_rows) as writers:
        for rows in chunks(n_rows):
            for column, values in zip(writers, columns.values(), strict=True):
                column.append(values[rows])
            orders.append(train.user_idx[rows], train.item_idx[rows], train.rating[rows])
    on_disk: list[Any] = list(writer.read(own, n_rows))
    user_idx, item_idx, rating, *times = on_disk
    return replace(train, user_idx=user_idx, item_idx=item_idx, rating=rating, timestamp=times[0] if times else None)


def _found(data: Data) -> dict[str, Json]:
    """What the files say of what the config may leave open, by keys of its section `data`."""
    first = next(iter(data.named_files.values()))
    layout = open_source(first, data, silent).layout(ColumnRequest(EVERYTHING))
    facts = {key: value for key, value in layout.facts.items() if key in READING}
    return {**facts, "columns": dict[str, Json](layout.columns.items()), "duplicates": data.duplicate_rule}


def _manifest(config: Config, rows: WrittenRows, found: dict[str, Json]) -> StoreManifest:
    train, n_rated = rows.splits.train, rows.splits.train.n_rated if config.data.has_ratings else 0
    return StoreManifest(
        format=FORMAT,
        kind="prepared ratings",
        recsys_version=__version__,
        seed=config.seed,
        split=config.split.model_dump(mode="json"),
        reading=config.data.model_dump(mode="json", include=set(READING)),
        found=found,
        sources=_sources(config, rows.fingerprints),
        item_column=rows.item_column,
        id_types=IdTypes(user=id_type(train.users), item=id_type(train.items)),
        n_users=len(train.users),
        n_items=len(train.items),
        n_interactions=len(train),
        n_ratings=n_rated,
        n_duplicates=rows.n_duplicates,
        has_times=train.timestamp is not None,
        scale=train.rated().scale if n_rated else None,
        order=rows.order,
    )


def _sources(config: Config, fingerprints: Mapping[str, str]) -> dict[str, SourceEntry]:
    files = config.data.named_files
    n_bytes = {part: bytes_of(files[part]) for part in files}
    return {
        part: SourceEntry(sha256=sha256, bytes=n_bytes.get("train" if part == "ratings" else part))
        for part, sha256 in fingerprints.items()
    }
