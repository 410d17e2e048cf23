"""The training rows of a store in the orders that bundles and training need, with memory for one range of users."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.artifacts.store import BLOCKS, SEEN, OrderEntry
from recsys.artifacts.write_store import StoreWriter
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.errors import UsageError
from recsys.core.resolve import resolve
from recsys.core.threads import usable_cores
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions
from recsys.data.partition import ROW_BYTES, by_user_range, user_ranges
from recsys.training.specs import METHODS

SORTING_BYTES = 5 * ROW_BYTES  # of a row, while the rows of its range of users are sorted


def write_orders(writer: StoreWriter, train: Interactions, config: Config, memory: int) -> OrderEntry | None:
    """Writes the rows by user, and by block where a method of the config reads blocks and all rows have a rating.

    Args:
        train: on disk.
        memory: bytes that may be taken.
    Returns:
        What the order of the blocks depends on; None: there are none.
    Raises:
        UsageError: it takes more memory.
    """
    order = block_order(config, len(train.rated()), len(train.users), len(train.items))
    if order is None or len(train.rated()) < len(train):
        first = user_ranges(train.user_counts, memory * ROW_BYTES // SORTING_BYTES)
        with writer.columns(SEEN, len(train)) as seen:
            for number, rows in enumerate(by_user_range(train, first, writer.folder)):
                _append_by_user(seen, rows, first, number)
        return None
    sorter = order.sorter(train.user_counts, train.item_counts, train.scale, config.seed, usable_cores())
    first, sizes = sorter.user_first, list[int]()
    _check_memory(train, first, memory)
    with writer.columns({**SEEN, **BLOCKS}, len(train)) as (*seen, user, item, rating):
        for number, rows in enumerate(by_user_range(train, first, writer.folder)):
            _append_by_user(seen, rows, first, number)
            for block in sorter.blocks(number, rows):
                for column, values in zip((user, item, rating), block, strict=True):
                    column.append_part(values)
                sizes.append(len(block[0]))
    start = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    writer.index(block_start=start, user_first=first, item_first=sorter.item_first)
    return OrderEntry(n_side=order.n_side, tile_rows=order.tile_rows, dim=order.dim)


def block_order(config: Config, n_ratings: int, n_users: int, n_items: int) -> Any:
    """The StoredOrder for a scorer of the config that reads blocks; None: there is no such scorer."""
    for plan in plans(config):
        code = METHODS[plan.training.method].models[plan.model.kind].block_order
        if code is not None:
            return resolve(code)(plan, n_ratings, n_users, n_items)
    return None


def _append_by_user(seen: Any, rows: Interactions, first: Any, number: int) -> None:
    start, stop = first[number : number + 2].tolist()
    own = rows.user_idx - np.int32(start)
    counts = np.bincount(own, minlength=stop - start)
    for column, values in zip(seen, columns_by(own, counts, [rows.item_idx, rows.rating]), strict=True):
        column.append(values)


def _check_memory(train: Interactions, first: Any, memory: int) -> None:
    """Raises UsageError where the largest range of users takes more."""
    ends = np.concatenate([[0], np.cumsum(train.user_counts)])[first]
    needed = SORTING_BYTES * int(np.diff(ends).max())
    if needed > memory:
        raise UsageError(
            f"the largest of {len(first) - 1} ranges of users takes {needed / 1e6:,.0f} MB to sort",
            where="--memory",
            expected=f"{memory / 1e6:,.0f} MB or less",
            hint=f"--memory {-(-needed // 10**6)}MB",
        )
