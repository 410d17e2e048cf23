"""Rows that several ranks have read, put together on each of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

import numpy as np

from recsys.core.collectives import raise_first
from recsys.core.communicator import Communicator
from recsys.core.errors import RecsysError
from recsys.core.types import Array
from recsys.data.sources.batches import PackedTexts
from recsys.data.sources.collect import collect
from recsys.data.sources.protocol import ColumnRequest, Source
from recsys.data.sources.table import Coded, Role, Table, TimeUnit, as_texts

UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)


def collect_part(source: Source, columns: ColumnRequest, communicator: Communicator) -> Table:
    """The rows of a source that this rank reads.

    Raises:
        DataError: on all ranks, where one cannot use a row; it is that of the first such row, as in one process.
    """
    failed: RecsysError | None = None
    try:
        table = collect(source.batches(columns, communicator.rank, communicator.size))
    except RecsysError as error:
        failed = error
    raise_first(failed, communicator)
    return table


def gather(table: Table, roles: Collection[Role], communicator: Communicator) -> list[Table]:
    """The tables of all ranks, in their order.

    Args:
        table: of this rank, perhaps without rows.
        roles: the columns that the source has of those that were asked for.
    """
    if communicator.size == 1:
        return [table]
    absent = [None] * communicator.size
    return [
        Table(*columns)
        for columns in zip(
            _gathered_ids(table.user, communicator) if "user" in roles else absent,
            _gathered_ids(table.item, communicator) if "item" in roles else absent,
            communicator.all_gather(_or_empty(table.rating, np.float32)) if "rating" in roles else absent,
            communicator.all_gather(_or_empty(table.timestamp, np.float64)) if "timestamp" in roles else absent,
            _gathered_units(table.time_unit, communicator),
            np.concatenate(communicator.all_gather(np.array([table.n_rows]))).tolist(),
            strict=True,
        )
    ]


def _gathered_ids(ids: Coded | None, communicator: Communicator) -> list[Coded]:
    texts = PackedTexts.of([] if ids is None else ids.texts.tolist())
    codes = communicator.all_gather(_or_empty(None if ids is None else ids.codes, np.int32))
    packed = zip(communicator.all_gather(texts.utf8), communicator.all_gather(texts.offsets), strict=True)
    is_text = any(flag.item() for flag in communicator.all_gather(np.array([ids is not None and ids.is_text])))
    return [
        Coded(own, as_texts(PackedTexts(utf8, offsets).to_list()), is_text)
        for own, (utf8, offsets) in zip(codes, packed, strict=True)
    ]


def _gathered_units(unit: TimeUnit | None, communicator: Communicator) -> list[TimeUnit | None]:
    codes = communicator.all_gather(np.array([-1 if unit is None else UNITS.index(unit)]))
    return [None if code < 0 else UNITS[code] for code in np.concatenate(codes).tolist()]


def _or_empty(column: Array | None, dtype: type[np.generic]) -> Array:
    return np.empty(0, dtype=dtype) if column is None else column
