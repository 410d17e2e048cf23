"""Seconds of an epoch of sgd on several hosts, computed, at sizes that this machine does not have.

    python benchmarks/epoch_model.py             the tables of docs/scale.md

A rating and core takes FIXED + BYTE · moved ns (at dim 64, fitted to five measurements), and no more than
MEMORY bytes a second of a host go through. An epoch is played through block by block with the strata that sgd draws: a
block starts when its user range is done with the stratum before, its item range has come and a core is free; a
message takes its bytes over the bandwidth of the sender's and of the receiver's line, and a latency.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from measure import command_line
from recsys.core.types import Array
from recsys.training.sgd.blocks import choose_n_side, tree_strata
from recsys.training.sgd.ring import owners, sent_bytes

DIM, CORES = 64, 16
FIXED, BYTE, MEMORY = 14.7e-9, 0.043e-9, 150e9
LATENCY, UNEVEN = 50e-6, 0.1  # of a message, in seconds; relative standard deviation of the blocks' sizes
LIBRARY, A_RATING, DRAWN = 220e6, 36.0, 1.0  # bytes: of a process; a rating, read, split and sorted; a part of each
GIGABITS = 1, 10, 25, 100


@dataclass(frozen=True)
class Size:
    """Of a data set."""

    ratings: float
    users: float
    items: float

    @property
    def n_side(self) -> int:
        """B."""
        return choose_n_side(int(self.ratings), int(self.users), int(self.items), DIM)

    @property
    def moved(self) -> float:
        """Bytes a rating from beyond the cache: its columns, and the rows of a block, read and written."""
        rows = sum(min(self.n_side * n, self.ratings) for n in (self.users, self.items))
        return 12 + 8 * DIM * rows / self.ratings

    @property
    def seconds_a_rating(self) -> float:
        """On one of the cores of a host."""
        return max(FIXED + BYTE * self.moved, CORES * self.moved / MEMORY)

    @property
    def model(self) -> float:
        """Bytes of the parameters."""
        return 4 * (DIM + 1) * (self.users + self.items)

    def memory(self, n_hosts: int) -> float:
        """Bytes that the first of the hosts needs: ratings are divided, but for a byte of each that its split takes."""
        drawn = DRAWN if n_hosts > 1 else 0
        return LIBRARY + (drawn + A_RATING / n_hosts) * self.ratings + 2 * self.model


SIZES = Size(1e7, 1e5, 3e4), Size(1e9, 1e7, 1e6), Size(1e11, 1e9, 1e7)


@dataclass(frozen=True)
class Network:
    """Between hosts."""

    gigabits: float

    def seconds(self, n_bytes: float) -> float:
        """On a line."""
        return n_bytes * 8 / (self.gigabits * 1e9)


def epoch_seconds(size: Size, n_hosts: int, network: Network) -> float:
    """Events in their order, so that what overlaps does."""
    n_side = size.n_side
    strata = tree_strata(n_side, 0, 1)
    owner = owners(n_side, n_hosts)
    noise = 1 + UNEVEN * np.random.default_rng(0).standard_normal((n_side, n_side))
    seconds = size.ratings / n_side**2 * size.seconds_a_rating * np.maximum(0.2, noise)
    free: list[list[float]] = [[0.0] * CORES for _ in range(n_hosts)]
    users, items = np.zeros(n_side), np.zeros(n_side)
    lines = np.zeros(n_hosts), np.zeros(n_hosts)  # until when they are busy: outwards, inwards
    wire = network.seconds(size.items / n_side * (DIM + 1) * 4)
    homes = owner[np.argsort(strata, axis=1)]
    for k, item_ranges in enumerate(strata):
        done = np.zeros(n_side)
        for user in np.argsort(np.maximum(users, items[item_ranges]), kind="stable"):
            cores, item = free[owner[user]], item_ranges[user]
            end = max(heapq.heappop(cores), users[user], items[item]) + seconds[user, item]
            heapq.heappush(cores, end)
            users[user] = done[item] = end
        items = done if k + 1 == n_side else _travelled(done, homes[k], homes[k + 1], lines, wire)
    return float(users.max())


def _travelled(done: Array, before: Array, after: Array, lines: tuple[Array, Array], wire: float) -> Array:
    """When each item range is where it is needed next."""
    there, (out, inwards) = done.copy(), lines
    for item in np.argsort(done, kind="stable"):
        if before[item] != after[item]:
            begin = max(done[item], out[before[item]])
            out[before[item]] = begin + wire
            begin = max(begin + LATENCY, inwards[after[item]])
            inwards[after[item]] = there[item] = begin + wire
    return there


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    hosts: Sequence[int] = parser.parse_args().hosts
    print("| ratings | users × items | B | model | memory of one host | of each of four | ns a rating and core |")
    print("|" + " --- |" * 7)
    for size in SIZES:
        nanoseconds = f"{1e9 * size.seconds_a_rating:.0f}"
        numbers = *(_bytes(number) for number in (size.model, size.memory(1), size.memory(4))), nanoseconds
        print(f"| {size.ratings:.0e} | {size.users:.0e} × {size.items:.0e} | {size.n_side} | {' | '.join(numbers)} |")
    print("\n| ratings | hosts | sent in an epoch |", *(f"{speed} Gb/s |" for speed in GIGABITS))
    print("|" + " --- |" * (3 + len(GIGABITS)))
    for size in SIZES:
        for line in lines_of(size, hosts):
            print(line, flush=True)


def lines_of(size: Size, hosts: Sequence[int]) -> Iterator[str]:
    """Seconds of an epoch, and the share of the hosts' cores that work in it."""
    alone = epoch_seconds(size, 1, Network(GIGABITS[-1]))
    range_bytes = np.full(size.n_side, size.items / size.n_side * (DIM + 1) * 4)
    for n_hosts in hosts:
        seconds = [epoch_seconds(size, n_hosts, Network(speed)) for speed in GIGABITS]
        cells = [f"{time:.3g} s ({alone / time / n_hosts:.0%})" for time in seconds]
        sent = sent_bytes(tree_strata(size.n_side, 0, 1), range_bytes, n_hosts)
        yield f"| {size.ratings:.0e} | {n_hosts} | {_bytes(sent)} | {' | '.join(cells)} |"


def _bytes(number: float) -> str:
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
