"""The training ratings, sorted so that threads never meet and rows stay in the cache.

Users and items are cut into n_side ranges of about equal numbers of ratings, so that the ratings fall into
n_side × n_side blocks. Blocks that share no user and no item can be worked on at the same time without locks: n_side
such sets (strata) make up an epoch. Their order is that of a binary tree, so that several ranks seldom exchange items.

Source: Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix factorization with distributed stochastic gradient
descent" (KDD).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.data.scale import Scale
from recsys.training.sgd.sorting import sorting

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
        user_first, item_first: int64, shape (n_side + 1,): the user, or item, at which each range begins, and the end.
    """

    user_idx: Array
    item_idx: Array
    rating: Array
    start: Array
    user_first: Array
    item_first: Array

    @property
    def n_side(self) -> int:
        """Ranges of users, and of items."""
        return len(self.user_first) - 1

    @property
    def columns(self) -> tuple[Array, Array, Array]:
        """user_idx, item_idx and rating."""
        return self.user_idx, self.item_idx, self.rating

    @property
    def nbytes(self) -> int:
        """Memory that the columns take."""
        return sum(column.nbytes for column in self.columns)

    def largest_first(self, blocks: Array) -> list[int]:
        """Blocks of a stratum in the order of work.

        Large blocks first leave the small ones to fill the gaps at the end, whatever the number of threads.
        """
        sizes = self.start[blocks + 1] - self.start[blocks]
        largest_first: list[int] = blocks[np.argsort(-sizes, kind="stable")].tolist()
        return largest_first


def tree_strata(n_side: int, seed: int, epoch: int) -> Array:
    """[k, r]: the item range that user range r meets in stratum k of an epoch, int64, shape (n_side, n_side).

    It is turn[r] XOR order[k], of two permutations drawn for the epoch that keep numbers with the same leading bits
    together. So user ranges that share leading bits meet item ranges that share as many, for n_side / P strata in a
    row where there are P groups of them, and P groups of items change places P times an epoch. In every epoch a user
    meets the same half of the items first: half an epoch lies between two meetings with a half, never none.

    Args:
        n_side: a power of two.
    """
    random = rng(seed, "strata", epoch)
    turn, order = _tree_permutation(n_side, random), _tree_permutation(n_side, random)
    strata: Array = turn ^ order[:, np.newaxis]
    return strata


def _tree_permutation(n: int, random: np.random.Generator) -> Array:
    """The leaves of a binary tree over 0 … n − 1, of all nodes but the root the children in drawn order."""
    leaves = np.arange(min(n, 2))
    while len(leaves) < n:
        first = random.integers(2, size=len(leaves))
        leaves = np.stack([2 * leaves + first, 2 * leaves + 1 - first], axis=1).ravel()
    return leaves


def choose_n_side(n_ratings: int, n_users: int, n_items: int, dim: int) -> int:
    """How many ranges, a power of two: from the data and the dim alone, so that results don't depend on the machine."""
    by_ratings = round(math.sqrt(n_ratings / BLOCK_RATINGS))
    by_bytes = math.ceil(min(n_users, n_items) * dim * 4 / BLOCK_BYTES)
    at_most = max(1, min(max(by_ratings, by_bytes, MIN_SIDE), MAX_SIDE, n_users, n_items))
    return 1 << (at_most.bit_length() - 1)


def sort_into_blocks(
    train: Interactions,
    scale: Scale,
    *,
    n_side: int,
    dim: int,
    seed: int,
    n_threads: int,
    is_wanted: Array | None = None,
) -> Blocks:
    """Standardise and sort the ratings into blocks; inside a block, shuffle and then sort by tile.

    A tile is so many users (or items, where there are more of them) that their rows fit the first-level cache.

    Args:
        train: every index known: 0 or more.
        n_threads: how many work on it; the result doesn't depend on that.
        is_wanted: of each user range, whether its ratings are; the blocks of others are empty. None: all are.
    """
    edges = np.linspace(0, len(train), n_threads + 1, dtype=np.int64).tolist()
    chunks = [train.take(slice(*pair)) for pair in pairwise(edges)]
    with ThreadPoolExecutor(n_threads) as pool:
        users = pool.submit(_ranges, train.user_idx, len(train.users), n_side)
        items = pool.submit(_ranges, train.item_idx, len(train.items), n_side)
        ranges = (users.result(), items.result(), n_side)
        if is_wanted is not None:
            is_user_wanted = is_wanted[ranges[0]]
            chunks = list(pool.map(lambda chunk: chunk.take(np.flatnonzero(is_user_wanted[chunk.user_idx])), chunks))
        blocks = _scattered(chunks, ranges, scale, pool)
        seeds = rng(seed, "blocks").integers(2**63, size=n_side**2, dtype=np.uint64)
        by_user = len(train.users) >= len(train.items)
        tile_shift = max(0, int(math.log2(TILE_BYTES / 4 / dim)))

        def arrange(block: int) -> None:
            span = (blocks.start[block], blocks.start[block + 1])
            sorting().arrange(*blocks.columns, *span, seeds[block], tile_shift, by_user)

        list(pool.map(arrange, range(n_side**2)))
    return blocks


def _scattered(
    chunks: Sequence[Interactions], ranges: tuple[Array, Array, int], scale: Scale, pool: ThreadPoolExecutor
) -> Blocks:
    """The ratings of all chunks by block, within a block in their order: the same however they are cut into chunks."""

    def count(chunk: Interactions) -> Array:
        sizes: Array = sorting().count_blocks(chunk.user_idx, chunk.item_idx, *ranges)
        return sizes

    def scatter(chunk: Interactions, place: Array) -> None:
        standard = (np.float32(scale.mean), np.float32(scale.std))
        sorting().scatter(chunk.user_idx, chunk.item_idx, chunk.rating, *ranges, *standard, place, *blocks.columns)

    sizes = np.array(list(pool.map(count, chunks)))
    start = np.concatenate([[0], np.cumsum(sizes.sum(axis=0))])
    n, edges = int(start[-1]), np.arange(ranges[2] + 1)
    first = (np.searchsorted(of_rows, edges) for of_rows in ranges[:2])
    blocks = Blocks(np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.float32), start, *first)
    list(pool.map(scatter, chunks, start[:-1] + np.cumsum(sizes, axis=0) - sizes))
    return blocks


def _ranges(idx: Array, n: int, n_side: int) -> Array:
    """The range, 0 … n_side − 1, of each of n rows: contiguous, of about equal numbers of ratings."""
    counts = sorting().count_rows(idx, n)
    before = np.cumsum(counts) - counts
    ranges: Array = np.minimum(before * n_side // len(idx), n_side - 1).astype(np.uint8)
    return ranges
