"""Several ranks at one epoch: users and their ratings stay with a rank, item ranges travel from one to the next.

Each rank has neighbouring user ranges, and in every stratum works on the blocks of these and of the item ranges that
the strata bring together with them. An item range is sent on as soon as its block is done, and asked for a stratum
ahead, so that a rank waits for no more than the ranges that it needs. Blocks of a stratum share no row, so the bits
depend neither on the number of ranks nor on threads. The order of the strata keeps item ranges with a rank for n_side /
ranks strata in a row: in an epoch each item travels about as often as there are ranks.

Source: Gemulla et al. 2011, as in blocks.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recsys.core.collectives import share_part
from recsys.core.communicator import Communicator, Transfer
from recsys.core.types import Array


def owners(n_side: int, n_ranks: int) -> Array:
    """The rank that each user range stays with: neighbours, about as many with each, perhaps none."""
    ranks: Array = np.arange(n_side) * n_ranks // n_side
    return ranks


def sent_bytes(strata: Array, range_bytes: Array, n_ranks: int) -> int:
    """What all ranks together send while these strata are worked through, of which the first finds all rows everywhere.

    Args:
        strata: of one epoch or of several in a row: [k, r]: the item range that user range r meets in stratum k.
        range_bytes: of the rows of each item range, shape (n_side,).
    """
    homes = owners(len(range_bytes), n_ranks)[np.argsort(strata, axis=1)]
    moves = np.count_nonzero(homes[1:] != homes[:-1], axis=0)
    return int(moves @ range_bytes)


@dataclass(frozen=True, eq=False)
class Ranged:
    """Parameters, rows of which belong together in ranges.

    Attributes:
        first: int64, shape (n_side + 1,): the row at which each range begins, and the end.
        arrays: one row of each for each user, or item.
    """

    first: Array
    arrays: Sequence[Array]

    def rows(self, start: int, stop: int) -> slice:
        """The rows of the ranges start … stop − 1."""
        return slice(int(self.first[start]), int(self.first[stop]))

    def parts(self, start: int, stop: int) -> list[Array]:
        """Their memory in each array, but for arrays that have none."""
        rows = self.rows(start, stop)
        return [part for part in (array[rows] for array in self.arrays) if part.size]


@dataclass(frozen=True, eq=False)
class Stratum:
    """What a rank works through in a stratum.

    Attributes:
        here: blocks whose items can be worked with now.
        to_come: blocks whose items have to be waited for.
        items_here: rows of the items of the blocks that are here.
    """

    here: Array
    to_come: Array
    items_here: Sequence[slice]
    _ring: Ring
    _arriving: Mapping[int, Sequence[Transfer]]
    _following: Array

    def wait_for(self, block: int) -> slice:
        """Waits for the items of a block; returns their rows."""
        item_range = block % self._ring.n_side
        for transfer in self._arriving[item_range]:
            transfer.wait()
        return self._ring.items.rows(item_range, item_range + 1)

    def send_on(self, block: int) -> None:
        """Sends the items of a block that is done to where they are needed next."""
        item_range = block % self._ring.n_side
        self._ring.send(item_range, int(self._following[item_range]))


class Ring:
    """Where item ranges are, and their ways.

    Attributes:
        users, items: the parameters. Users stay with a rank.
        n_side: ranges of each.
        n_working: ranks that have users; others have nothing to do.
        sent_bytes: by this rank in all epochs so far.
    """

    def __init__(self, communicator: Communicator, users: Ranged, items: Ranged) -> None:
        """With all rows at hand."""
        self.users, self.items, self.n_side = users, items, len(items.first) - 1
        self._communicator = communicator
        self._owner = owners(self.n_side, communicator.size)
        self._own = np.flatnonzero(self._owner == communicator.rank)
        self.n_working = len(np.unique(self._owner))
        self.sent_bytes = 0
        self._with: Array | None = None  # the rank that each item range is with; None: all items are with all ranks
        self._users_are_apart = False
        self._leaving: list[Transfer] = []

    @property
    def first_users(self) -> Array:
        """The user at which those of each rank begin, and the end, shape (size + 1,)."""
        return self.users.first[np.searchsorted(self._owner, np.arange(self._communicator.size + 1))]

    @property
    def own_users(self) -> slice:
        """Rows of the users that stay with this rank."""
        return self.users.rows(int(self._own[0]), int(self._own[-1]) + 1) if len(self._own) else slice(0, 0)

    @property
    def items_here(self) -> list[slice]:
        """Rows of the items that are here, or where all are everywhere, a share of them; each is with one rank."""
        with_ = self._owner if self._with is None else self._with
        return [self.items.rows(start, stop) for start, stop in _runs(with_) if with_[start] == self._communicator.rank]

    def own_blocks(self, item_ranges: Array) -> Array:
        """The blocks of this rank's users in a stratum, which brings these item ranges to all user ranges."""
        blocks: Array = self._own * self.n_side + item_ranges[self._own]
        return blocks

    def travel(self, strata: Array) -> Iterator[Stratum]:
        """The strata of an epoch in turn; each has to be worked through before the next one is asked for.

        Args:
            strata: [k, r]: the item range that user range r meets in stratum k.
        """
        homes = self._owner[np.argsort(strata, axis=1)]  # [k, c]: the rank that item range c is with
        arriving = {} if self._with is None else self._move(self._with, homes[0])
        for item_ranges, (home, following) in zip(strata, pairwise([*homes, homes[-1]]), strict=True):
            expected = self._expect(home, following)
            yield self._stratum(item_ranges, arriving, following)
            arriving = expected
        self._wait_for_leaving()
        self._with, self._users_are_apart = homes[-1], True

    def send(self, item_range: int, rank: int) -> None:
        """Sends an item range on its way, unless it stays; from any thread."""
        if rank == self._communicator.rank:
            return
        for number, part in enumerate(self.items.parts(item_range, item_range + 1)):
            self._leaving.append(self._communicator.send(part, rank, 2 * item_range + number))
            self.sent_bytes += part.nbytes

    def gather_items(self) -> None:
        """Has all items with all ranks. Every rank calls this; where they are so already, nothing is sent."""
        if self._with is not None:
            self._gather(self.items, self._with)
        self._with = None

    def gather(self) -> None:
        """Has all rows with all ranks, in the same way."""
        self.gather_items()
        if self._users_are_apart:
            self._gather(self.users, self._owner)
        self._users_are_apart = False

    def _stratum(self, item_ranges: Array, arriving: Mapping[int, Sequence[Transfer]], following: Array) -> Stratum:
        own = item_ranges[self._own]
        blocks = self.own_blocks(item_ranges)
        is_here = np.ones(self.n_side, dtype=bool)
        is_here[list(arriving)] = False
        here = np.zeros(self.n_side, dtype=bool)
        here[own] = is_here[own]
        rows = [self.items.rows(start, stop) for start, stop in _runs(here) if here[start]]
        return Stratum(blocks[is_here[own]], blocks[~is_here[own]], rows, self, arriving, following)

    def _move(self, before: Array, after: Array) -> dict[int, list[Transfer]]:
        """Sends the item ranges that are here to where they are needed; returns what comes from elsewhere."""
        arriving = self._expect(before, after)
        for item_range in np.flatnonzero(before == self._communicator.rank).tolist():
            self.send(item_range, int(after[item_range]))
        return arriving

    def _expect(self, before: Array, after: Array) -> dict[int, list[Transfer]]:
        """Asks for the item ranges that come from other ranks."""
        rank = self._communicator.rank
        return {
            item_range: [
                self._communicator.recv(part, int(before[item_range]), 2 * item_range + number)
                for number, part in enumerate(self.items.parts(item_range, item_range + 1))
            ]
            for item_range in np.flatnonzero((after == rank) & (before != rank)).tolist()
        }

    def _gather(self, rows: Ranged, places: Array) -> None:
        transfers: list[Transfer] = []
        for start, stop in _runs(places):
            for number, part in enumerate(rows.parts(start, stop)):
                transfers += share_part(part, int(places[start]), 2 * start + number, self._communicator)
        for transfer in transfers:
            transfer.wait()
        self._wait_for_leaving()

    def _wait_for_leaving(self) -> None:
        for transfer in self._leaving:
            transfer.wait()
        self._leaving.clear()


def _runs(places: Array) -> Iterator[tuple[int, int]]:
    """start, stop of neighbours at the same place."""
    edges = np.flatnonzero(np.diff(places)) + 1
    return pairwise([0, *edges.tolist(), len(places)])
