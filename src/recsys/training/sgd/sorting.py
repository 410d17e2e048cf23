"""The compiled steps of sorting ratings into blocks and tiles: counting sorts, stable, on columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import types

from recsys.core.jit import compiled, readable

HALF = np.uint64(32)
ONE = np.uint64(1)
SHIFTS = (np.uint64(12), np.uint64(25), np.uint64(27))
MULTIPLIER = np.uint64(0x2545F4914F6CDD1D)


@dataclass(frozen=True)
class Sorting:
    """Compiled functions; `idx` is int32, `rating` float32, ranges are uint8, one a user or item.

    Attributes:
        count_rows: (idx, n) → int64 (n,): how often each index occurs.
        count_blocks: (user_idx, item_idx, user_range, item_range, n_side) → int64 (n_side²,): ratings in each block.
        scatter: (user_idx, item_idx, rating, user_range, item_range, n_side, mean, std, place, out_user, out_item,
            out_rating): writes each rating, standardised, to `place` of its block and moves that on by one.
        arrange: (user_idx, item_idx, rating, start, end, seed, tile_shift, by_user): shuffles the ratings start …
            end − 1, then sorts them by idx >> tile_shift of the user or item.
    """

    count_rows: Callable[..., Any]
    count_blocks: Callable[..., Any]
    scatter: Callable[..., None]
    arrange: Callable[..., None]


@cache
def sorting() -> Sorting:
    """The functions, compiled or from the cache."""
    idx, values, ranges, size = readable("int32"), readable("float32"), readable("uint8"), types.int64
    out_idx, out_values, places = types.uint32[::1], types.float32[::1], types.int64[::1]
    columns = (idx, idx, values, ranges, ranges)
    return Sorting(
        count_rows=compiled(places(idx, size), name="count_rows")(_count_rows),
        count_blocks=compiled(places(idx, idx, ranges, ranges, size), name="count_blocks")(_count_blocks),
        scatter=compiled(
            types.void(*columns, size, types.float32, types.float32, places, out_idx, out_idx, out_values),
            name="scatter",
        )(_scatter),
        arrange=compiled(
            types.void(out_idx, out_idx, out_values, size, size, types.uint64, types.uint32, types.boolean),
            name="arrange",
        )(_arrange),
    )


def _count_rows(idx: Any, n: Any) -> Any:
    counts = np.zeros(n, np.int64)
    for t in range(len(idx)):
        counts[idx[t]] += 1
    return counts


def _count_blocks(user_idx: Any, item_idx: Any, user_range: Any, item_range: Any, n_side: Any) -> Any:
    counts = np.zeros(n_side * n_side, np.int64)
    for t in range(len(user_idx)):
        counts[user_range[user_idx[t]] * n_side + item_range[item_idx[t]]] += 1
    return counts


def _scatter(
    user_idx: Any,
    item_idx: Any,
    rating: Any,
    user_range: Any,
    item_range: Any,
    n_side: Any,
    mean: Any,
    std: Any,
    place: Any,
    out_user: Any,
    out_item: Any,
    out_rating: Any,
) -> None:
    for t in range(len(rating)):
        u, i = user_idx[t], item_idx[t]
        block = user_range[u] * n_side + item_range[i]
        to = place[block]
        place[block] = to + 1
        out_user[to] = u
        out_item[to] = i
        out_rating[to] = (rating[t] - mean) / std


def _arrange(
    user_idx: Any, item_idx: Any, rating: Any, start: Any, end: Any, seed: Any, tile_shift: Any, by_user: Any
) -> None:
    users, items, ratings = user_idx[start:end], item_idx[start:end], rating[start:end]
    n = end - start
    if n < 2:
        return
    state = seed | ONE
    for t in range(n - 1, 0, -1):  # Fisher and Yates with xorshift64*
        state ^= state >> SHIFTS[0]
        state ^= state << SHIFTS[1]
        state ^= state >> SHIFTS[2]
        other = (((state * MULTIPLIER) >> HALF) * np.uint64(t + 1)) >> HALF
        users[t], users[other] = users[other], users[t]
        items[t], items[other] = items[other], items[t]
        ratings[t], ratings[other] = ratings[other], ratings[t]
    old_users, old_items, old_ratings = users.copy(), items.copy(), ratings.copy()
    key = old_users if by_user else old_items
    first = key.min() >> tile_shift
    place = np.zeros((key.max() >> tile_shift) - first + 2, np.int64)
    for t in range(n):
        place[(key[t] >> tile_shift) - first + 1] += 1
    for tile in range(1, len(place)):
        place[tile] += place[tile - 1]
    for t in range(n):
        tile = (key[t] >> tile_shift) - first
        to = place[tile]
        place[tile] = to + 1
        users[to], items[to], ratings[to] = old_users[t], old_items[t], old_ratings[t]
