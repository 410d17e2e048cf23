"""The training ratings, sorted so that threads never meet and rows stay in the cache.

Users and items are cut into n_side ranges of about equal numbers of ratings, so that the ratings fall into
n_side × n_side blocks. Blocks that share no user and no item can be worked on at the same time without locks: n_side
such sets (strata) make up an epoch. Their order is that of a binary tree, so that several ranks seldom exchange items.

Source: Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix factorization with distributed stochastic gradient
descent" (KDD).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.data.prepared import BlockKinds
from recsys.data.scale import Scale
from recsys.training.sgd.kernel import WIDE, BlockRatings
from recsys.training.sgd.sorting import sorting

BLOCK_RATINGS = 75_000  # fewer in a block, and its start and end cost more than a percent or two
BLOCK_BYTES = 1 << 20  # of the rows on the smaller side of a block: they stay in a core's own cache
TILE_BYTES = 1 << 15  # of the rows on the larger side that are worked on at a time: they stay in the first-level cache
MIN_SIDE, MAX_SIDE = 8, 64  # the learning rate moves n_side times an epoch; n_side² blocks have to be kept


Take = Callable[[int], AbstractContextManager[BlockRatings]]
"""What gives the ratings of a block, for as long as they are needed; from any thread."""


class SortedRatings(Protocol):
    """Ratings in the order in which they are worked on, in memory or on disk; attributes as those of `Blocks`."""

    @property
    def start(self) -> Array: ...

    @property
    def user_first(self) -> Array: ...

    @property
    def item_first(self) -> Array: ...

    @property
    def n_ratings(self) -> int:
        """How many there are here."""
        ...

    @property
    def kinds(self) -> BlockKinds:
        """The types of user_idx, item_idx and rating, as of the kernel."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        ...

    def reading(self, order: Iterable[int]) -> AbstractContextManager[Take]:
        """What gives blocks, each once, about in this order."""
        ...


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

    kinds = WIDE

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

    @property
    def n_ratings(self) -> int:
        """How many there are."""
        return len(self.rating)

    @contextmanager
    def reading(self, _order: Iterable[int]) -> Iterator[Take]:
        """What gives blocks: views."""
        yield lambda block: nullcontext(BlockRatings(*self.columns, int(self.start[block]), int(self.start[block + 1])))


def largest_first(blocks: Array, start: Array) -> list[int]:
    """Blocks of a stratum in the order of work.

    Large blocks first leave the small ones to fill the gaps at the end, whatever the number of threads.

    Args:
        start: of all blocks.
    """
    sizes = start[blocks + 1] - start[blocks]
    in_order: list[int] = blocks[np.argsort(-sizes, kind="stable")].tolist()
    return in_order


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
    with ThreadPoolExecutor(n_threads) as pool:
        users = pool.submit(_counted_ranges, train.user_idx, len(train.users), n_side)
        items = pool.submit(_counted_ranges, train.item_idx, len(train.items), n_side)
        order = BlockOrder(users.result(), items.result(), n_side, scale, dim, seed)
        chunks = _chunks(train, n_threads)
        if is_wanted is not None:
            is_user_wanted = is_wanted[order.user_range]
            chunks = list(pool.map(lambda chunk: chunk.take(np.flatnonzero(is_user_wanted[chunk.user_idx])), chunks))
        return _all_sorted(chunks, order, range(n_side**2), pool)


@dataclass(frozen=True, eq=False)
class BlockOrder:
    """Where each rating goes.

    Attributes:
        user_range, item_range: uint8, the range of each user and item.
    """

    user_range: Array
    item_range: Array
    n_side: int
    scale: Scale
    dim: int
    seed: int

    @classmethod
    def of(cls, user_counts: Array, item_counts: Array, n_side: int, scale: Scale, dim: int, seed: int) -> BlockOrder:
        """That of ratings of which each user and each item has so many."""
        user_range, item_range = (ranges_of(counts, n_side) for counts in (user_counts, item_counts))
        return cls(user_range, item_range, n_side, scale, dim, seed)

    def sort_users(self, number: int, ratings: Interactions, n_threads: int) -> Blocks:
        """All ratings of the users of a range, in the order that `sort_into_blocks` gives them."""
        own = range(number * self.n_side, (number + 1) * self.n_side)
        with ThreadPoolExecutor(n_threads) as pool:
            return _all_sorted(_chunks(ratings, n_threads), self, own, pool)

    def block_sizes(self, user_idx: Array, item_idx: Array) -> Array:
        """How many ratings of these users and items each block has, int64, shape (n_side²,)."""
        sizes: Array = sorting().count_blocks(user_idx, item_idx, self.user_range, self.item_range, self.n_side)
        return sizes

    @property
    def first(self) -> tuple[Array, Array]:
        """The user, and the item, at which each range begins, and the end."""
        return first_of(self.user_range, self.n_side), first_of(self.item_range, self.n_side)


def tile_shift(dim: int) -> int:
    """The logarithm of how many users, or items, a tile has."""
    return max(0, int(math.log2(TILE_BYTES / 4 / dim)))


def ranges_of(counts: Array, n_side: int) -> Array:
    """The range, 0 … n_side − 1, of each of n rows: contiguous, of about equal numbers of ratings."""
    before = np.cumsum(counts) - counts
    ranges: Array = np.minimum(before * n_side // counts.sum(), n_side - 1).astype(np.uint8)
    return ranges


def first_of(ranges: Array, n_side: int) -> Array:
    """The row at which each range begins, and the end."""
    return np.searchsorted(ranges, np.arange(n_side + 1))


def _counted_ranges(idx: Array, n: int, n_side: int) -> Array:
    return ranges_of(sorting().count_rows(idx, n), n_side)


def _chunks(ratings: Interactions, n_threads: int) -> list[Interactions]:
    edges = np.linspace(0, len(ratings), n_threads + 1, dtype=np.int64).tolist()
    return [ratings.take(slice(*pair)) for pair in pairwise(edges)]


def _all_sorted(
    chunks: Sequence[Interactions], order: BlockOrder, own: Iterable[int], pool: ThreadPoolExecutor
) -> Blocks:
    """The ratings of the chunks by block, and in order within those of the blocks that are own."""
    pieces = [(chunk.user_idx, chunk.item_idx, chunk.rating) for chunk in chunks]
    sizes = np.array(list(pool.map(lambda piece: order.block_sizes(piece[0], piece[1]), pieces)))
    return sort_pieces(sizes, [pieces], order, own, pool)


def sort_pieces(
    sizes: Array,
    rounds: Iterable[Sequence[Sequence[Array]]],
    order: BlockOrder,
    own: Iterable[int],
    pool: ThreadPoolExecutor,
) -> Blocks:
    """The ratings of several sources by block, those of the first source first, and then own blocks in order.

    Args:
        sizes: of each source, how many ratings each block has, shape (n_sources, n_side²).
        rounds: user_idx, item_idx and rating of the next ratings of each source.
    """
    n, n_side, scale = int(sizes.sum()), order.n_side, order.scale
    start = np.concatenate([[0], np.cumsum(sizes.sum(axis=0))])
    blocks = Blocks(np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.float32), start, *order.first)
    how = order.user_range, order.item_range, n_side, np.float32(scale.mean), np.float32(scale.std)
    seeds = rng(order.seed, "blocks").integers(2**63, size=n_side**2, dtype=np.uint64)
    by_user, shift = len(order.user_range) >= len(order.item_range), tile_shift(order.dim)

    def scatter(columns: Sequence[Array], place: Array) -> None:  # which then is where the next ratings go
        sorting().scatter(*columns, *how, place, *blocks.columns)

    def arrange(block: int) -> None:
        sorting().arrange(*blocks.columns, start[block], start[block + 1], seeds[block], shift, by_user)

    places = start[:-1] + np.cumsum(sizes, axis=0) - sizes
    for pieces in rounds:
        list(pool.map(scatter, pieces, places))
    list(pool.map(arrange, own))
    return blocks
