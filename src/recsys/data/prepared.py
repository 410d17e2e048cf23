"""What a prepared store holds beside the columns of a dataset: the training rows in the orders that are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from recsys.core.types import Array, Float32Array, Int64Array
from recsys.data.stored_column import StoredColumn

BlockKinds: TypeAlias = tuple[str, str, str]
"""The types of the numbers for user, item and rating of a block."""
MOST_LEVELS, MOST_OFFSETS = 1 << 8, 1 << 16  # that one and two bytes tell apart


@dataclass(frozen=True, eq=False)
class StoredBlocks:
    """The training ratings by block, in the order in which a method works on them: the parts of three columns.

    Attributes:
        user_idx, item_idx: how many users, or items, lie between the first one of the block's range and this one.
        rating: the numbers of standardised ratings in `levels`; where there are no levels, these ratings themselves.
        start: int64, where each block begins, and the end; block `user range · n_side + item range`.
        user_first, item_first: int64, shape (n_side + 1,): the user, or item, at which each range begins, and the end.
    """

    user_idx: StoredColumn
    item_idx: StoredColumn
    rating: StoredColumn
    start: Int64Array
    user_first: Int64Array
    item_first: Int64Array
    levels: Float32Array

    @property
    def columns(self) -> tuple[StoredColumn, StoredColumn, StoredColumn]:
        """user_idx, item_idx and rating."""
        return self.user_idx, self.item_idx, self.rating


def block_kinds(user_first: Int64Array, item_first: Int64Array, levels: Float32Array) -> BlockKinds:
    """The smallest types that hold the columns of such blocks."""
    user, item = ("uint16" if np.diff(first).max() <= MOST_OFFSETS else "uint32" for first in (user_first, item_first))
    return user, item, "uint8" if 0 < len(levels) <= MOST_LEVELS else "float32"


@dataclass(frozen=True, eq=False)
class Prepared:
    """The training rows in other orders than theirs.

    Attributes:
        seen_item, seen_rating: of the rows by user, and by their order within a user.
        blocks: None where training holds all rows in memory.
    """

    seen_item: Array
    seen_rating: Array
    blocks: StoredBlocks | None
