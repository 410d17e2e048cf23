"""Where rows stand among those of all ranks, and what is drawn for each of them: as in one process, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsys.core.collectives import add_up, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.seeding import skip
from recsys.core.types import Array, BoolArray, Counts, Float64Array, Indices, Int8Array, Times
from recsys.data.ranks.exchange import back_to_rows, even_ranks, rows_of_users

DIGIT_BITS = 16  # of the 64 by which a time is found, at a time
SIGN, LARGEST = np.uint64(1 << 63), np.iinfo(np.int64).max


def drawn(n: int, draw: Callable[[int], Int8Array], communicator: Communicator) -> Int8Array:
    """What is drawn for each of n rows of this rank.

    Args:
        draw: gives it for so many rows; rank 0 draws for those of all ranks.
    """
    sizes = number_of_each(n, communicator)
    every = np.empty(0, dtype=np.int8) if communicator.rank else draw(sum(sizes))
    return communicator.all_to_all(np.split(every, np.cumsum(sizes)[:-1]))[0]


def uniform(n: int, random: np.random.Generator, communicator: Communicator) -> Float64Array:
    """A number from 0 to 1 for each of n rows of this rank; those of all ranks come from one generator."""
    skip(random, sum(number_of_each(n, communicator)[: communicator.rank]))
    return random.random(n)


def places(idx: Indices, position: Float64Array, counts: Counts, communicator: Communicator) -> Indices:
    """For each row of this rank: how many rows of its user come before it by position, rows of one position in their
    order; int32, shape (n,).

    Args:
        idx: the user of each row.
        counts: rows of each user, on all ranks.
    """
    if communicator.size == 1:
        return _places(idx, position)
    rank_of_user, _ = even_ranks(counts, communicator.size)
    found = _places(*rows_of_users([idx, position], rank_of_user, communicator))
    return back_to_rows(found, idx, rank_of_user, communicator)


def _places(idx: Indices, position: Float64Array) -> Indices:
    order = np.lexsort((position, idx))
    first = np.flatnonzero(np.diff(idx[order], prepend=-1))
    place = np.empty(len(idx), dtype=np.int32)
    place[order] = np.arange(len(idx)) - np.repeat(first, np.diff(np.append(first, len(idx))))
    return place


def are_latest(times: Times, n: int, communicator: Communicator) -> BoolArray:
    """Which rows of this rank are among the n latest of all ranks; of rows of one time, the last ones are."""
    if not n:
        return np.zeros(len(times), dtype=bool)
    keys = _sortable(times)
    limit, n_equal = _nth_largest(keys, n, communicator)
    are_in, equal = keys > limit, np.flatnonzero(keys == limit)
    n_after = sum(number_of_each(len(equal), communicator)[communicator.rank + 1 :])
    are_in[equal[max(len(equal) - max(n_equal - n_after, 0), 0) :]] = True
    return are_in


def _sortable(times: Times) -> Array:
    """Numbers in the order of the times, equal ones for equal ones."""
    bits = (times + 0.0).view(np.int64)  # −0 is 0
    bits ^= (bits >> 63) & np.int64(LARGEST)  # the larger a negative number's other bits are, the less it is
    keys = bits.view(np.uint64)
    keys ^= SIGN
    return keys


def _nth_largest(keys: Array, n: int, communicator: Communicator) -> tuple[np.uint64, int]:
    """The n-th largest key of all ranks, and how many of those that equal it are among the n largest.

    Found digit by digit: each narrows the keys down to those that begin like it.
    """
    found = np.uint64(0)
    for shift in range(64 - DIGIT_BITS, -1, -DIGIT_BITS):
        digit = (keys >> np.uint64(shift)).astype(np.uint16)
        counts = add_up(np.bincount(digit, minlength=1 << DIGIT_BITS), communicator)
        n_from = np.append(np.cumsum(counts[::-1])[::-1], 0)  # keys with this digit or a larger one
        own = int(np.flatnonzero(n_from >= n)[-1])
        n -= int(n_from[own + 1])
        keys = keys[digit == own]
        found = found << np.uint64(DIGIT_BITS) | np.uint64(own)
    return found, n
