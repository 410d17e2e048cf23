"""Training ratings that are divided among ranks, sorted into blocks at the ranks of their users."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from recsys.core.communicator import Communicator
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.data.ranks.exchange import rounds
from recsys.data.ranks.split import own_columns
from recsys.data.scale import Scale
from recsys.training.sgd.blocks import BlockOrder, Blocks, sort_pieces


def sort_divided(
    train: Interactions,
    scale: Scale,
    *,
    n_side: int,
    dim: int,
    seed: int,
    n_threads: int,
    rank_of_range: Array,
    communicator: Communicator,
) -> Blocks:
    """What `sort_into_blocks` gives the ranks of ratings that are divided among them; all ranks call this.

    Args:
        rank_of_range: the rank that each user range goes to, whose blocks of others are empty.
    """
    order = BlockOrder.of(train.user_counts, train.item_counts, n_side, scale, dim, seed)
    own, ranks = own_columns(train), rank_of_range.astype(np.int32)
    is_own = np.repeat(ranks == communicator.rank, n_side)
    sizes = np.array(communicator.all_gather(order.block_sizes(own[0], own[1]))) * is_own
    with ThreadPoolExecutor(n_threads) as pool:
        return sort_pieces(
            sizes, rounds(own, ranks[order.user_range], communicator), order, np.flatnonzero(is_own), pool
        )
