from __future__ import annotations

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.core.threads import one_blas_thread
from recsys.scoring import tiles
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.tiles import best_items, users_at_once
from recsys.scoring.top import masked_top_n


def factors(n_users: int, n_items: int, dim: int, levels: int | None = None) -> Factors:
    """Of random numbers, or of few whole ones, so that many scores are equal."""
    draw = rng(1, "factors")

    def numbers(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return (draw.normal(size=shape) if levels is None else draw.integers(levels, size=shape)).astype(np.float32)

    biases = numbers(n_users + 1), numbers(n_items + 1)
    return Factors(3.0, *biases, numbers(n_users + 1, dim), numbers(n_items + 1, dim), Link("identity", 1, 5))


@pytest.mark.parametrize("n", [1, 4, 30, 200])
@pytest.mark.parametrize("n_items", [19, 20, 21, 63, 150])
def test_tiles_give_what_one_sort_gives_with_ties(n: int, n_items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "ITEMS", 10)
    scorer, users, draw = factors(7, n_items, 2, levels=3), np.arange(7, dtype=np.int32), rng(2, "left out")
    allowed = draw.random(n_items) > 0.2
    left_out = draw.integers(7, size=60), draw.integers(n_items, size=60)
    best, scores = best_items(scorer, users, n, allowed=allowed, left_out=left_out)
    expected, expected_scores = masked_top_n(scorer.score_all(users), n, allowed=allowed, left_out=left_out)
    np.testing.assert_array_equal(scores, expected_scores)
    is_left = np.isfinite(scores)
    np.testing.assert_array_equal(best[is_left], expected[is_left])


def test_the_lists_of_tiles_are_those_of_one_sort_to_the_bit() -> None:
    n_items = 2 * tiles.ITEMS + 77
    scorer, users = factors(users_at_once(n_items), n_items, 8), np.arange(users_at_once(n_items), dtype=np.int32)
    everything = np.ones(n_items, dtype=bool), (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    with one_blas_thread():
        best, scores = best_items(scorer, users, 10, allowed=everything[0], left_out=everything[1])
        of_tiles = np.concatenate([scorer.score_tile(users, tile) for tile in tiles.tiles(n_items)], axis=1)
        of_one_product = scorer.score_all(users)
    expected, expected_scores = masked_top_n(of_tiles, 10)
    np.testing.assert_array_equal(best, expected)
    np.testing.assert_array_equal(scores, expected_scores)
    np.testing.assert_allclose(of_tiles, of_one_product, rtol=0, atol=1e-5)  # its last bits depend on the processor


@pytest.mark.parametrize(("n_items", "n_users"), [(0, 1 << 22), (1 << 10, 1 << 12), (27_000, 155), (10**6, 128)])
def test_more_items_than_a_tile_leave_as_many_users_at_once(n_items: int, n_users: int) -> None:
    assert users_at_once(n_items) == n_users


@pytest.mark.parametrize("n_items", [1, 9, 10, 19, 20, 57])
def test_tiles_cover_all_items_and_none_is_narrow(n_items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "ITEMS", 10)
    ranges = list(tiles.tiles(n_items))
    assert [item for tile in ranges for item in range(tile.start, tile.stop)] == list(range(n_items))
    assert all(tile.stop - tile.start >= min(10, n_items) for tile in ranges)
