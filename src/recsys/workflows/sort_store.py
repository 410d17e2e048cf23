"""The training rows of a store in the orders that bundles and training need, with memory for one range of users."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.artifacts.store import BLOCKS, SEEN, OrderEntry
from recsys.artifacts.write_store import StoreWriter
from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core import kernels
from recsys.core.errors import UsageError
from recsys.core.resolve import resolve
from recsys.core.threads import usable_cores
from recsys.core.types import Counts, Floats, Indices, Int64Array
from recsys.core.words import joined
from recsys.data.duplicates import repeated
from recsys.data.grouped import columns_by
from recsys.data.interactions import Interactions, stack
from recsys.data.partition import ROW_BYTES, UserRanges, user_ranges
from recsys.data.spilled_rows import REPEATS, UnsuitedError
from recsys.data.split import Splits
from recsys.data.vocabulary import UNKNOWN
from recsys.training.specs import METHODS

SORTING_BYTES = 40  # of a row, while the rows of its range of users are sorted
OTHER_BYTES = 250_000_000  # of the process, beside what it sorts
LEAST_SORTED = 16_000_000  # bytes: nobody has less memory


class Orders:
    """Takes the training rows in theirs, and writes them by user, and by block where a method of the config reads
    blocks and all rows have a rating."""

    def __init__(
        self, writer: StoreWriter, config: Config, user_counts: Counts, item_counts: Counts, memory: int
    ) -> None:
        """
        Args:
            user_counts, item_counts: rows of each user, and of each item.
            memory: bytes that the process may take.
        Raises:
            UsageError: it takes more memory.
        """
        self._writer, self._seed, self._counts = writer, config.seed, (user_counts, item_counts)
        n_rows = int(user_counts.sum())
        self._order = block_order(config, n_rows, len(user_counts), len(item_counts))
        self._levels = None if self._order is None else self._order.levels()
        if self._order is None:
            self._first = user_ranges(user_counts, _sorted_bytes(memory) * ROW_BYTES // SORTING_BYTES)
        else:
            self._first = self._order.user_first(user_counts)
            _check_memory(user_counts, self._first, memory)
        self._ranges = UserRanges(writer.scratch, self._first)

    def append(self, user_idx: Indices, item_idx: Indices, rating: Floats) -> None:
        """Adds rows."""
        self._ranges.append(user_idx, item_idx, rating)
        if self._levels is not None:
            self._levels.codes(rating)

    def write(self, splits: Splits, *, refuses_repeats: bool = False) -> OrderEntry | None:
        """Writes them, when all have been added.

        Args:
            splits: train is on disk.
            refuses_repeats: whether to look for pairs that occur twice.
        Returns:
            What the order of the blocks depends on; None: there are none.
        Raises:
            UnsuitedError: a pair occurs twice.
        """
        train, pairs = splits.train, _Pairs(splits) if refuses_repeats else None
        n_ranges, order = len(self._first) - 1, self._order
        if order is None or train.n_rated < len(train):
            with self._writer.columns(SEEN, len(train)) as seen:
                for number in range(n_ranges):
                    self._append_by_user(seen, self._ranges.read(number, train), number, pairs)
            return None
        sorter = order.sorter(*self._counts, train.scale, self._seed, usable_cores(), self._levels)
        kinds, sizes = {**SEEN, **dict(zip(BLOCKS, sorter.kinds, strict=True))}, list[int]()
        with self._writer.columns(kinds, len(train)) as (*seen, user, item, rating):
            for number in range(n_ranges):
                rows = self._ranges.read(number, train)
                self._append_by_user(seen, rows, number, pairs)
                for block in sorter.blocks(number, rows):
                    for column, values in zip((user, item, rating), block, strict=True):
                        column.append_part(values)
                    sizes.append(len(block[0]))
        start = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        coding = {"user_first": self._first, "item_first": sorter.item_first, "level": sorter.levels}
        self._writer.index(block_start=start, **coding)
        return OrderEntry(n_side=order.n_side, tile_rows=order.tile_rows, dim=order.dim)

    def _append_by_user(self, seen: Any, rows: Interactions, number: int, pairs: _Pairs | None) -> None:
        start, stop = self._first[number : number + 2].tolist()
        counts, own = self._counts[0][start:stop], rows.user_idx - np.int32(start)
        item, rating = columns_by(own, counts, [rows.item_idx, rows.rating])
        if pairs is not None:
            pairs.check(counts, item, start)
        for column, values in zip(seen, (item, rating), strict=True):
            column.append(values)


def why_all_at_once(config: Config) -> str | None:
    """Which methods of the config's scorers do not train block by block, in words; None: all do."""
    methods = [
        plan.training.method
        for plan in plans(config)
        if METHODS[plan.training.method].models[plan.model.kind].block_order is None
    ]
    return f"{joined(methods, 'and')} need{'s' * (len(methods) == 1)} all of them at once" if methods else None


def block_order(config: Config, n_ratings: int, n_users: int, n_items: int) -> Any:
    """The StoredOrder for a scorer of the config that reads blocks; None: there is no such scorer."""
    for plan in plans(config):
        code = METHODS[plan.training.method].models[plan.model.kind].block_order
        if code is not None:
            return resolve(code)(plan, n_ratings, n_users, n_items)
    return None


class _Pairs:
    """Pairs that are held out, each once, by user, beside which those of train are looked at."""

    def __init__(self, splits: Splits) -> None:
        none = splits.train.take(slice(0, 0))
        held_out = stack([none, *(part for part in (splits.valid, splits.test) if part is not None)])
        is_known = (held_out.user_idx != UNKNOWN) & (held_out.item_idx != UNKNOWN)
        order = np.argsort(held_out.user_idx[is_known], kind="stable")
        self._user_idx, self._item_idx = (idx[is_known][order] for idx in (held_out.user_idx, held_out.item_idx))
        self._n_items = len(splits.train.items)

    def check(self, counts: Counts, item: Indices, start: int) -> None:
        """Raises UnsuitedError where a user has an item twice.

        Args:
            counts, item: of the users from `start` on, how many rows they have, and the items of these, user by user.
        """
        more: Int64Array = np.searchsorted(self._user_idx, np.arange(start, start + len(counts) + 1))
        held_out = self._item_idx[more[0] : more[-1]]
        if kernels.are_worthwhile(len(item)):
            from recsys.data.counting_sort import has_repeats_beside

            is_repeated = has_repeats_beside(counts, item, more - more[0], held_out, self._n_items)
        else:
            users = [np.repeat(np.arange(len(counts), dtype=np.int32), each) for each in (counts, np.diff(more))]
            items = np.concatenate([item, held_out])
            is_repeated = repeated(np.concatenate(users), items, self._n_items) is not None
        if is_repeated:
            raise UnsuitedError(REPEATS)


def _check_memory(user_counts: Counts, first: Int64Array, memory: int) -> None:
    """Raises UsageError where the largest range of users takes more."""
    ends = np.concatenate([[0], np.cumsum(user_counts)])[first]
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
