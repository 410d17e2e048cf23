"""The order of ratings in a prepared store, from which sgd reads them block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recsys.config.plans import Plan
from recsys.core.types import Array, Counts, Float32Array
from recsys.data.interactions import Interactions
from recsys.data.prepared import BlockKinds, block_kinds
from recsys.data.scale import Scale
from recsys.training.sgd.blocks import BlockOrder, choose_n_side, first_of, ranges_of, tile_shift
from recsys.training.sgd.levels import Levels, standardised


@dataclass(frozen=True)
class StoredOrder:
    """What the order depends on, beside the ratings and the seed.

    Attributes:
        n_side: ranges of users, and of items.
        tile_rows: users or items of a tile, by which the ratings of a block are sorted.
        dim: of the model that it is for.
    """

    n_side: int
    tile_rows: int
    dim: int

    def user_first(self, user_counts: Counts) -> Array:
        """The user at which each range begins, and the end."""
        return first_of(ranges_of(user_counts, self.n_side), self.n_side)

    def levels(self) -> Levels:
        """What takes all ratings before they are sorted, to see how many different ones there are."""
        return Levels()

    def sorter(
        self, user_counts: Counts, item_counts: Counts, scale: Scale, seed: int, n_threads: int, levels: Levels
    ) -> RangeSorter:
        """What sorts ratings, of which each user and each item has so many."""
        order = BlockOrder.of(user_counts, item_counts, self.n_side, scale, self.dim, seed)
        return RangeSorter(order, *order.first, standardised(levels, scale), n_threads)


@dataclass(frozen=True, eq=False)
class RangeSorter:
    """Sorts the ratings of one range of users after the other.

    Attributes:
        user_first, item_first: as of StoredBlocks.
    """

    _order: BlockOrder
    user_first: Array
    item_first: Array
    _levels: Levels
    _n_threads: int

    @property
    def levels(self) -> Float32Array:
        """As of StoredBlocks."""
        return self._levels.values

    @property
    def kinds(self) -> BlockKinds:
        """The types of the columns of blocks."""
        return block_kinds(self.user_first, self.item_first, self.levels)

    def blocks(self, number: int, ratings: Interactions) -> Iterator[tuple[Array, Array, Array]]:
        """The columns of the blocks of a range in their order, as of StoredBlocks.

        Args:
            ratings: all of the users of the range, in the order of their rows.
        """
        blocks = self._order.sort_users(number, ratings, self._n_threads)
        n_side, (user, item, _) = self._order.n_side, self.kinds
        for item_range in range(n_side):
            block = number * n_side + item_range
            rows = slice(int(blocks.start[block]), int(blocks.start[block + 1]))
            user_idx, item_idx, rating = (column[rows] for column in blocks.columns)
            user_idx, item_idx = user_idx - self.user_first[number], item_idx - self.item_first[item_range]
            codes = self._levels.codes(rating)
            yield user_idx.astype(user), item_idx.astype(item), rating if codes is None else codes


def stored_order(plan: Plan, n_ratings: int, n_users: int, n_items: int) -> StoredOrder:
    """The order for a model of so many users and items."""
    dim = plan.model.fixed_dim
    assert dim is not None
    return StoredOrder(choose_n_side(n_ratings, n_users, n_items, dim), 1 << tile_shift(dim), dim)
