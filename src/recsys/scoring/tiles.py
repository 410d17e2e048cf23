"""The n best of any number of items, a tile of scores at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys.core.types import Array, BoolArray, Float32Array, Indices, Int64Array
from recsys.scoring.protocols import TrainedScorer
from recsys.scoring.top import masked_top_n, top_n

SCORES = 1 << 22  # of a tile: 16 MB
ITEMS = 1 << 15  # of a tile; whole chunks of what a network scores at once, so that its products stay the same


def users_at_once(n_items: int) -> int:
    """How many users have SCORES of the items of a tile, or of all where they are fewer."""
    return max(1, SCORES // max(1, min(n_items, ITEMS)))


def best_items(
    scorer: TrainedScorer, users: Indices, n: int, *, allowed: BoolArray, left_out: tuple[Array, Array]
) -> tuple[Int64Array, Float32Array]:
    """The n best items of each user, best first, equal ones by index, and their scores; see `masked_top_n`.

    The best of the tiles before and those of a tile are joined in this order, so that ties fall as in one sort.

    Args:
        allowed: items that may be listed for anyone, shape (n_items,).
        left_out: pairs of a position in `users` and an item that may not be listed there.
    """
    if scorer.n_items < 2 * ITEMS:
        return masked_top_n(scorer.score_all(users), n, allowed=allowed, left_out=left_out)
    rows, items = left_out
    by_item = np.argsort(items, kind="stable")
    rows, items = rows[by_item], items[by_item]
    best, best_scores = np.empty((len(users), 0), dtype=np.int64), np.empty((len(users), 0), dtype=np.float32)
    for tile in tiles(scorer.n_items):
        own = slice(*np.searchsorted(items, (tile.start, tile.stop)))
        tile_left_out = rows[own], items[own] - tile.start
        of_tile, scores = masked_top_n(scorer.score_tile(users, tile), n, allowed=allowed[tile], left_out=tile_left_out)
        best = np.concatenate([best, of_tile + tile.start], axis=1)
        best_scores = np.concatenate([best_scores, scores], axis=1)
        places = top_n(best_scores, n)
        best = np.take_along_axis(best, places, axis=1)
        best_scores = np.take_along_axis(best_scores, places, axis=1)
    return best, best_scores


def tiles(n_items: int) -> Iterator[slice]:
    """Ranges of ITEMS items; the last has up to twice as many.

    BLAS takes another way for narrow products, with other last bits; and on some processors by where in one an item is.
    """
    n_tiles = max(1, n_items // ITEMS)
    return (slice(k * ITEMS, n_items if k == n_tiles - 1 else (k + 1) * ITEMS) for k in range(n_tiles))
