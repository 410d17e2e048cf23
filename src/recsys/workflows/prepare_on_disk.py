"""Ratings read, split and sorted by way of files, with memory for a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from recsys.artifacts.store import ROWS, OrderEntry
from recsys.artifacts.write_store import StoreWriter
from recsys.config.schema.config import Config
from recsys.config.schema.data import Data
from recsys.core.events import Note, Observer
from recsys.data.sources.opening import bytes_of
from recsys.data.spilled_rows import UnsuitedError, spill_rows
from recsys.data.split import Splits, assign_rows
from recsys.data.split_on_disk import TrainCounts, split_on_disk
from recsys.workflows.sort_store import Orders

LARGE = 100_000_000  # bytes of files, of which it matters that they are read in memory


@dataclass(frozen=True, eq=False)
class WrittenRows:
    """The training rows in a store, and what else is to be written.

    Attributes:
        splits: train is on disk.
        fingerprints, item_column, n_duplicates: as of Dataset.
    """

    splits: Splits
    order: OrderEntry | None
    fingerprints: Mapping[str, str]
    item_column: str | None
    n_duplicates: int


def read_on_disk(config: Config, writer: StoreWriter, memory: int, observe: Observer) -> WrittenRows | None:
    """Writes the training rows in all their orders; None where the ratings have to be looked at in memory.

    Raises:
        DataError, RunError, UsageError
    """
    why = why_all_rows(config)
    if why is None:
        try:
            return _written(config, writer, memory, observe)
        except UnsuitedError as unsuited:
            why = str(unsuited)
    n_bytes = [bytes_of(files) or 0 for files in config.data.named_files.values()]
    if sum(n_bytes) > LARGE:
        observe(Note(f"the ratings are read into memory, about 40 bytes each: {why}"))
    return None


def rows_alone(config: Config) -> Data:
    """The section `data` without what is no row."""
    return config.data.model_copy(update={"items": None, "prepared": None})


def _written(config: Config, writer: StoreWriter, memory: int, observe: Observer) -> WrittenRows:
    rows = spill_rows(rows_alone(config), writer.scratch, observe)
    part = assign_rows(len(rows), rows.given, config.split, config.seed)
    counts = TrainCounts.of(rows, part)
    orders = Orders(writer, config, counts.users, counts.items, memory)
    n_train = int(counts.users.sum())
    with writer.columns(ROWS, n_train) as columns:

        def write(*values: Any) -> None:
            for column, numbers in zip(columns, values, strict=True):
                column.append(numbers)
            orders.append(*values)  # over the files of rows that were read

        splits = split_on_disk(rows, part, counts.known, write)
    on_disk: list[Any] = list(writer.read(ROWS, n_train))
    user_idx, item_idx, rating = on_disk
    splits = replace(splits, train=replace(splits.train, user_idx=user_idx, item_idx=item_idx, rating=rating))
    order = orders.write(splits, refuses_repeats=True)
    return WrittenRows(splits, order, rows.fingerprints, rows.item_column, n_duplicates=0)


def why_all_rows(config: Config) -> str | None:
    """What the config asks for that goes by all rows at once; None: nothing."""
    data = config.data
    held_out = config.split.valid_fraction or config.split.test_fraction
    if config.uses_times:
        return "times are used"
    if config.split.method != "random" and held_out:
        return f"split.method: {config.split.method}"
    if data.duplicate_rule != "error" or data.rating_is == "count" or data.drops_unrated:
        return "rows are added up or left out"
    return None
