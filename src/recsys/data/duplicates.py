"""Pairs of user and item that occur more than once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from recsys.core import kernels
from recsys.core.types import Array, BoolArray, Counts, Indices, Times

Rule = Literal["last", "first", "newest"]
SPARSE = 4  # rows for each item; with fewer, to note down who has which takes more memory than the rows


@dataclass(frozen=True, eq=False)
class Repeated:
    """Every row of every pair that occurs more than once, or some of these rows.

    Attributes:
        rows: positions, grouped by pair, rising within a pair unless they are in order of time.
        is_first: for each of them, whether it is the first of its pair.
        is_last: whether it is the last.
    """

    rows: Counts
    is_first: BoolArray
    is_last: BoolArray

    @property
    def is_empty(self) -> bool:
        """Whether no pair occurs twice."""
        return bool(self.is_first.all())

    @cached_property
    def pair(self) -> Counts:
        """Which pair each row has, int64, from 0."""
        return np.cumsum(self.is_first) - 1

    def of_pairs_with(self, is_in: BoolArray) -> BoolArray:
        """Whether a row of the same pair is in, for a mask over `rows`."""
        return np.logical_or.reduceat(is_in, np.flatnonzero(self.is_first))[self.pair]

    def only(self, is_in: BoolArray) -> Repeated:
        """Those of the rows that are in, for a mask over `rows`; a pair may then have a single row."""
        pair = self.pair[is_in]
        is_new = pair[1:] != pair[:-1]
        return Repeated(
            self.rows[is_in],
            is_first=np.concatenate([[True] * min(1, len(pair)), is_new]),
            is_last=np.concatenate([is_new, [True] * min(1, len(pair))]),
        )

    def by_time(self, time: Times) -> Repeated:
        """The same rows, rising in time within a pair; rows of one time in their order.

        Args:
            time: of all rows, shape (n,).
        """
        order = np.lexsort((time[self.rows], self.pair))
        return Repeated(self.rows[order], self.is_first, self.is_last)

    def differ(self, time: Times) -> bool:
        """Whether rows of one pair have several times."""
        times = time[self.rows]
        return bool((times[1:] != times[:-1])[~self.is_first[1:]].any())

    def dropped(self, keep: Literal["first", "last"]) -> Counts:
        """The rows that go when one of each pair stays."""
        return self.rows[~(self.is_first if keep == "first" else self.is_last)]

    def superseded(self, rule: Rule, time: Times | None) -> Counts:
        """The rows that go where the first, the last or the newest row of each pair stays.

        Args:
            time: of all rows; the newest needs it.
        """
        if rule == "newest":
            assert time is not None
            return self.by_time(time).dropped(keep="last")
        return self.dropped(keep=rule)

    def earliest(self) -> tuple[int, int]:
        """The first row that repeats an earlier one, as (the earlier one just before it in its pair, it)."""
        later = np.flatnonzero(~self.is_first)
        at = later[np.argmin(self.rows[later])]
        return int(self.rows[at - 1]), int(self.rows[at])


def repeated(user: Indices, item: Indices, n_items: int) -> Repeated | None:
    """The rows whose pair occurs more than once; None if there are none.

    Usually there are none, which compiled loops find out by grouping items by user. Else it sorts one key a row
    (user · n_items + item, in 32 bits where they fit) and looks at neighbours. Either takes 4 or 8 bytes a row.

    Args:
        user: int32, shape (n,), from 0.
        item: int32, shape (n,), 0 to n_items − 1.
    """
    if _are_all_different(user, item, n_items):
        return None
    keys = _keys(user, item, n_items)
    keys.sort()
    again = keys[1:][keys[1:] == keys[:-1]]
    if not len(again):
        return None
    twice = np.unique(again)
    keys = _keys(user, item, n_items)
    at = np.searchsorted(twice, keys).clip(max=len(twice) - 1)
    rows = np.flatnonzero(twice[at] == keys)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    new = np.concatenate([[True], keys[rows][1:] != keys[rows][:-1]])
    return Repeated(rows, is_first=new, is_last=np.append(new[1:], True))


def _are_all_different(user: Indices, item: Indices, n_items: int) -> bool:
    """Whether compiled loops, where they are worthwhile, find no pair twice."""
    if not kernels.are_worthwhile(len(user)) or len(user) < SPARSE * n_items:
        return False
    from recsys.data.counting_sort import has_repeats

    return not has_repeats(user, np.bincount(user), item, n_items)


def _keys(user: Indices, item: Indices, n_items: int) -> Array:
    n_users = int(user.max(initial=-1)) + 1
    keys: Array = user.astype(np.uint32 if n_users * n_items < 2**32 else np.uint64)
    np.multiply(keys, keys.dtype.type(n_items), out=keys)
    return np.add(keys, item.view(np.uint32), out=keys)
