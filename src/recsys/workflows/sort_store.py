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
from recsys.core.types import Indices
from recsys.data.duplicates import repeated
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions, stack
from recsys.data.partition import ROW_BYTES, by_user_range, user_ranges
from recsys.data.spilled_rows import REPEATS, UnsuitedError
from recsys.data.split import Splits
from recsys.data.vocabulary import UNKNOWN
from recsys.training.specs import METHODS

SORTING_BYTES = 40  # of a row, while the rows of its range of users are sorted
OTHER_BYTES = 250_000_000  # of the process, beside what it sorts
LEAST_SORTED = 16_000_000  # bytes: nobody has less memory


def write_orders(
    writer: StoreWriter, splits: Splits, config: Config, memory: int, *, refuses_repeats: bool = False
) -> OrderEntry | None:
    """Writes the rows by user, and by block where a method of the config reads blocks and all rows have a rating.

    Args:
        splits: train is on disk.
        memory: bytes that the process may take.
        refuses_repeats: whether to look for pairs that occur twice.
    Returns:
        What the order of the blocks depends on; None: there are none.
    Raises:
        UsageError: it takes more memory.
        UnsuitedError: a pair occurs twice.
    """
    train, pairs = splits.train, _Pairs(splits) if refuses_repeats else None
    order = block_order(config, len(train), len(train.users), len(train.items))
    if order is None or train.n_rated < len(train):
        first = user_ranges(train.user_counts, _sorted_bytes(memory) * ROW_BYTES // SORTING_BYTES)
        with writer.columns(SEEN, len(train), are_read_again=False) as seen:
            for number, rows in enumerate(by_user_range(train, first, writer.scratch)):
                _append_by_user(seen, rows, first, number, pairs)
        return None
    sorter = order.sorter(train.user_counts, train.item_counts, train.scale, config.seed, usable_cores())
    first, sizes = sorter.user_first, list[int]()
    _check_memory(train, first, memory)
    kinds = {**SEEN, **BLOCKS}
    with writer.columns(kinds, len(train), are_read_again=False) as (*seen, user, item, rating):
        for number, rows in enumerate(by_user_range(train, first, writer.scratch)):
            _append_by_user(seen, rows, first, number, pairs)
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


def _append_by_user(seen: Any, rows: Interactions, first: Any, number: int, pairs: _Pairs | None) -> None:
    start, stop = first[number : number + 2].tolist()
    own = rows.user_idx - np.int32(start)
    if pairs is not None:
        pairs.check(own, rows.item_idx, start, stop)
    counts = np.bincount(own, minlength=stop - start)
    for column, values in zip(seen, columns_by(own, counts, [rows.item_idx, rows.rating]), strict=True):
        column.append(values)


class _Pairs:
    """Pairs that are held out, by user, beside which those of train are looked at."""

    def __init__(self, splits: Splits) -> None:
        none = splits.train.take(slice(0, 0))
        held_out = stack([none, *(part for part in (splits.valid, splits.test) if part is not None)])
        is_known = (held_out.user_idx != UNKNOWN) & (held_out.item_idx != UNKNOWN)
        order = np.argsort(held_out.user_idx[is_known], kind="stable")
        self._user_idx, self._item_idx = (idx[is_known][order] for idx in (held_out.user_idx, held_out.item_idx))
        self._n_items = len(splits.train.items)

    def check(self, user: Indices, item: Indices, start: int, stop: int) -> None:
        """Raises UnsuitedError where one of the users start … stop − 1 has an item twice; `user` counts from start."""
        held_out = slice(*np.searchsorted(self._user_idx, [start, stop]).tolist())
        users = np.concatenate([user, self._user_idx[held_out] - np.int32(start)])
        items = np.concatenate([item, self._item_idx[held_out]])
        if repeated(users, items, self._n_items) is not None:
            raise UnsuitedError(REPEATS)


def _check_memory(train: Interactions, first: Any, memory: int) -> None:
    """Raises UsageError where the largest range of users takes more."""
    ends = np.concatenate([[0], np.cumsum(train.user_counts)])[first]
    needed = SORTING_BYTES * int(np.diff(ends).max())
    if needed > _sorted_bytes(memory):
        raise UsageError(
            f"the largest of {len(first) - 1} ranges of users takes {needed / 1e6:,.0f} MB to sort",
            where="--memory",
            expected=f"no more than --memory {memory / 1e6:,.0f}MB leaves for it",
            hint=f"--memory {-(-(OTHER_BYTES + needed) // 10**6)}MB",
        )


def _sorted_bytes(memory: int) -> int:
    return max(memory - OTHER_BYTES, LEAST_SORTED)
