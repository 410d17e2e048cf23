from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.training.sgd.blocks import Blocks, choose_n_side, largest_first, sort_into_blocks, tree_strata

from .worlds import planted


def blocks_of(train: Interactions, n_side: int = 8, n_threads: int = 1, seed: int = 1, dim: int = 512) -> Blocks:
    return sort_into_blocks(train, train.scale, n_side=n_side, dim=dim, seed=seed, n_threads=n_threads)


def strata(blocks: Blocks, seed: int, epoch: int) -> list[list[int]]:
    ranges = np.arange(blocks.n_side)
    return [
        largest_first(ranges * blocks.n_side + met, blocks.start) for met in tree_strata(blocks.n_side, seed, epoch)
    ]


def rows(user: np.ndarray, item: np.ndarray, rating: np.ndarray) -> list[tuple[int, int, float]]:
    return sorted(zip(user.tolist(), item.tolist(), rating.tolist(), strict=True))


def test_every_rating_is_there_once_and_standardised() -> None:
    train = planted()
    blocks = blocks_of(train)
    mean, std = np.float32(train.scale.mean), np.float32(train.scale.std)
    expected = rows(train.user_idx, train.item_idx, (train.rating - mean) / std)
    assert rows(*blocks.columns) == expected
    assert blocks.start[0] == 0
    assert blocks.start[-1] == len(train)
    assert blocks.nbytes == 12 * len(train)


@pytest.mark.parametrize("n_side", [1, 2, 8, 64])
def test_every_epoch_visits_every_block_once(n_side: int) -> None:
    blocks = blocks_of(planted(), n_side)
    assert blocks.n_side == n_side
    assert sorted(chain(*strata(blocks, 5, 1))) == list(range(n_side**2))


def test_blocks_of_a_stratum_share_neither_users_nor_items() -> None:
    blocks = blocks_of(planted())
    for stratum in strata(blocks, 5, 1):
        for idx in (blocks.user_idx, blocks.item_idx):
            met = [set(idx[blocks.start[block] : blocks.start[block + 1]].tolist()) for block in stratum]
            assert sum(map(len, met)) == len(set().union(*met))


def test_the_order_of_blocks_depends_on_seed_and_epoch() -> None:
    blocks = blocks_of(planted())
    orders = [strata(blocks, seed, epoch) for seed, epoch in ((5, 1), (5, 1), (5, 2), (6, 1))]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]


@pytest.mark.parametrize("n_side", [1, 2, 8, 64])
@pytest.mark.parametrize("n_groups", [1, 2, 4])
def test_groups_of_item_ranges_change_places_as_often_as_there_are_groups(n_side: int, n_groups: int) -> None:
    if n_groups > n_side:
        pytest.skip("more groups than ranges")
    strata = tree_strata(n_side, 5, 1)
    size = n_side // n_groups
    homes = np.argsort(strata, axis=1) // size  # [k, c]: the group of user ranges that item range c is with
    assert np.count_nonzero((homes[1:] != homes[:-1]).any(axis=1)) == n_groups - 1
    assert (np.sort(strata, axis=0) == np.arange(n_side)[:, np.newaxis]).all()
    assert (np.sort(strata, axis=1) == np.arange(n_side)).all()


@pytest.mark.parametrize("n_threads", [2, 3, 4])
def test_the_order_of_ratings_does_not_depend_on_the_threads(n_threads: int) -> None:
    blocks, other_blocks = blocks_of(planted(), n_threads=1), blocks_of(planted(), n_threads=n_threads)
    for left, right in zip((*blocks.columns, blocks.start), (*other_blocks.columns, other_blocks.start), strict=True):
        np.testing.assert_array_equal(left, right)


def test_ratings_of_one_user_in_a_row_are_torn_apart() -> None:
    train = planted()
    ordered = train.take(np.argsort(train.user_idx, kind="stable"))
    user = blocks_of(ordered, n_side=1, dim=1).user_idx  # one block, one tile
    assert np.mean(user[1:] == user[:-1]) < 0.05
    assert not np.array_equal(user, blocks_of(ordered, n_side=1, dim=1, seed=2).user_idx)


@pytest.mark.parametrize(("n_users", "n_items"), [(120, 80), (80, 120)])
def test_a_block_is_worked_on_tile_by_tile_of_the_larger_side(n_users: int, n_items: int) -> None:
    blocks = blocks_of(planted(n_users, n_items), n_side=1, dim=512)  # 16 rows of 2 KB to a tile
    larger = blocks.user_idx if n_users > n_items else blocks.item_idx
    tiles = larger // 16
    assert (np.diff(tiles.astype(int)) >= 0).all()
    assert (np.diff(larger.astype(int)) < 0).any()


def test_one_item_with_most_of_the_ratings_is_no_problem() -> None:
    train = planted()
    popular = replace(train, item_idx=np.where(np.arange(len(train)) % 4, 40, train.item_idx).astype(np.int32))
    blocks = blocks_of(popular)
    assert sorted(chain(*strata(blocks, 5, 1))) == list(range(64))
    assert blocks.start[-1] == len(train)


def test_columns_that_may_not_be_written_can_be_sorted() -> None:
    train = planted()
    for column in (train.user_idx, train.item_idx, train.rating):
        column.flags.writeable = False
    assert blocks_of(train).start[-1] == len(train)


@pytest.mark.parametrize(
    ("n_ratings", "n_users", "n_items", "dim", "expected"),
    [
        (1, 1, 1, 64, 1),
        (100, 5, 3, 64, 2),
        (100_000, 610, 9_724, 64, 8),
        (19_000_000, 138_000, 27_000, 64, 16),
        (10_000_000, 138_000, 27_000, 64, 8),
        (19_000_000, 138_000, 27_000, 512, 32),
        (2_000_000_000, 10_000_000, 1_000_000, 512, 64),
    ],
)
def test_the_number_of_ranges_follows_from_the_data(
    n_ratings: int, n_users: int, n_items: int, dim: int, expected: int
) -> None:
    assert choose_n_side(n_ratings, n_users, n_items, dim) == expected
