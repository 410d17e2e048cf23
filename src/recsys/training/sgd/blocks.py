"""The training ratings, sorted so that threads never meet and rows stay in the cache.

Users and items are cut into n_side ranges of about equal numbers of ratings, so that the ratings fall into
n_side × n_side blocks. Blocks that share no user and no item can be worked on at the same time without locks: n_side
such sets (strata) make up an epoch.

Source: Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix factorization with distributed stochastic gradient
descent" (KDD).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from recsys.data.ratings import Ratings
from recsys.data.scale import Scale
from recsys.seeding import rng
from recsys.training.sgd.sorting import sorting

Array = np.ndarray[Any, Any]

BLOCK_RATINGS = 75_000  # fewer in a block, and its start and end cost more than a percent or two
BLOCK_BYTES = 1 << 20  # of the rows on the smaller side of a block: they stay in a core's own cache
TILE_BYTES = 1 << 15  # of the rows on the larger side that are worked on at a time: they stay in the first-level cache
MIN_SIDE, MAX_SIDE = 8, 64  # the learning rate moves n_side times an epoch; n_side² blocks have to be kept


@dataclass(frozen=True, eq=False)
class Blocks:
    """Ratings in the order in which they are worked on, 12 bytes each.

    Attributes:
        user_idx, item_idx: uint32, shape (n,).
        rating: float32, shape (n,), standardised.
        start: int64, shape (n_side² + 1,); block `user range · n_side + item range` is start[b] … start[b + 1] − 1.
    """

    user_idx: Array
    item_idx: Array
    rating: Array
    start: Array

    @property
    def n_side(self) -> int:
        """Ranges of users, and of items."""
        return math.isqrt(len(self.start) - 1)

    def strata(self, seed: int, epoch: int) -> Iterator[list[int]]:
        """The strata of an epoch in an order drawn for it; in each, the largest block first.

        Large blocks first leave the small ones to fill the gaps at the end, whatever the number of threads.
        """
        random = rng(seed, "strata", epoch)
        n = self.n_side
        size = np.diff(self.start)
        columns = random.permutation(n)
        for shift in random.permutation(n):
            blocks = np.arange(n) * n + (columns + shift) % n
            yield blocks[np.argsort(-size[blocks], kind="stable")].tolist()


def choose_n_side(n_ratings: int, n_users: int, n_items: int, dim: int) -> int:
    """How many ranges: from the data and the dim alone, so that results don't depend on the machine."""
    by_ratings = round(math.sqrt(n_ratings / BLOCK_RATINGS))
    by_bytes = math.ceil(min(n_users, n_items) * dim * 4 / BLOCK_BYTES)
    return max(1, min(max(by_ratings, by_bytes, MIN_SIDE), MAX_SIDE, n_users, n_items))


def sort_into_blocks(train: Ratings, scale: Scale, *, n_side: int, dim: int, seed: int, n_threads: int) -> Blocks:
    """Standardise and sort the ratings into blocks; inside a block, shuffle and then sort by tile.

    A tile is so many users (or items, where there are more of them) that their rows fit the first-level cache.

    Args:
        train: every index known: 0 or more.
        n_threads: how many work on it; the result doesn't depend on that.
    """
    kernels = sorting()
    mean, std = np.float32(scale.mean), np.float32(scale.std)
    out = [np.empty(len(train), dtype) for dtype in (np.uint32, np.uint32, np.float32)]
    chunks = [slice(*edges) for edges in pairwise(np.linspace(0, len(train), n_threads + 1, dtype=np.int64).tolist())]
    with ThreadPoolExecutor(n_threads) as pool:
        rows = zip((train.user_idx, train.item_idx), (len(train.users), len(train.items)), strict=True)
        ranges = list(pool.map(lambda column: _ranges(kernels.count_rows(*column), n_side), rows))

        def count(chunk: slice) -> Array:
            sizes: Array = kernels.count_blocks(train.user_idx[chunk], train.item_idx[chunk], *ranges, n_side)
            return sizes

        def scatter(chunk: slice, place: Array) -> None:
            columns = (train.user_idx[chunk], train.item_idx[chunk], train.rating[chunk])
            kernels.scatter(*columns, *ranges, n_side, mean, std, place, *out)

        in_chunk = np.array(list(pool.map(count, chunks)))
        start = np.concatenate([[0], np.cumsum(in_chunk.sum(axis=0))])
        places = start[:-1] + np.cumsum(in_chunk, axis=0) - in_chunk
        list(pool.map(scatter, chunks, places))
        seeds = rng(seed, "blocks").integers(2**63, size=n_side**2, dtype=np.uint64)
        by_user = len(train.users) >= len(train.items)
        tile_shift = max(0, int(math.log2(TILE_BYTES / 4 / dim)))

        def arrange(block: int) -> None:
            kernels.arrange(*out, start[block], start[block + 1], seeds[block], tile_shift, by_user)

        list(pool.map(arrange, range(n_side**2)))
    return Blocks(*out, start=start)


def _ranges(counts: Array, n_side: int) -> Array:
    """The range, 0 … n_side − 1, of each row: contiguous, of about equal numbers of ratings."""
    before = np.cumsum(counts) - counts
    return np.minimum(before * n_side // max(1, int(counts.sum())), n_side - 1).astype(np.uint8)
