"""How the time of sgd grows with ratings, dims and threads, in interleaved rounds.

    python benchmarks/growth.py                  1M to 50M ratings of 138,000 users and 27,000 items
    python benchmarks/growth.py --growing        users and items grow with the ratings, as MovieLens did

"Off linear" is how much more (or, below zero, less) time a rating takes at the largest size than at the smallest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from learners import N_EPOCHS, ratings, sgd_learner
from measure import Row, Spread, command_line, interleaved, ratios
from recsys.core.events import silent
from recsys.training.sgd.dot_product import SgdLearner
from recsys.training.sgd.settings import Sgd
from synthetic import World, dense_world, synthetic

TIMED = 40_000_000  # ratings in a measurement, in as many epochs as that takes


@dataclass(frozen=True)
class Case:
    """What is measured together: millions of ratings in the file, of which a twentieth is held out, and threads."""

    millions: float
    threads: int


Seconds = dict[Case, list[float]]  # a rating, round by round


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 20, 50])
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growing", action="store_true", help="more ratings come with more users and items")
    arguments = parser.parse_args()
    print("| dim | threads | M ratings | ns a rating: min | median | max | s an epoch |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    measured = {}
    for dim in arguments.dims:
        measured[dim] = measure(dim, arguments.millions, arguments.threads, arguments.rounds, growing=arguments.growing)
        print_times(dim, measured[dim])
    print("\n| dim | threads | off linear: min | median | max |\n| --- | --- | --- | --- | --- |")
    for dim, seconds in measured.items():
        for threads in arguments.threads:
            off = off_linear(seconds, threads)
            print(f"| {dim} | {threads} | {off.least:+.0%} | {off.median:+.0%} | {off.most:+.0%} |")
    print()
    for dim, seconds in measured.items():
        for row in thread_rows(dim, seconds):
            print(row)


def measure(dim: int, millions: Sequence[float], threads: Sequence[int], rounds: int, *, growing: bool) -> Seconds:
    """Seconds a rating in each case, round by round."""
    measures: dict[Case, Callable[[], float]] = {}
    for size in millions:
        n_ratings = int(size * 1e6)
        world = dense_world(n_ratings) if growing else World(n_ratings)
        train = ratings(world, synthetic(world).train)
        for n_threads in threads:
            learner = sgd_learner(train, dim, Sgd(n_threads=n_threads))
            learner.epoch(1, silent)  # touches the memory
            measures[Case(size, n_threads)] = partial(seconds_a_rating, learner)
    return interleaved(measures, rounds)


def seconds_a_rating(learner: SgdLearner) -> float:
    """The mean over some epochs."""
    epochs = max(1, round(TIMED / learner.n_ratings))
    start = time.perf_counter()
    for k in range(epochs):
        learner.epoch(1 + k % N_EPOCHS, silent)
    return (time.perf_counter() - start) / epochs / learner.n_ratings


def print_times(dim: int, seconds: Seconds) -> None:
    """The lines of the table for one dim."""
    for case, each in sorted(seconds.items(), key=lambda pair: (pair[0].threads, pair[0].millions)):
        ns = Spread.of([1e9 * time for time in each])
        epoch = statistics.median(each) * case.millions * 1e6 * 0.95
        times = f"{ns.least:.2f} | {ns.median:.2f} | {ns.most:.2f}"
        print(f"| {dim} | {case.threads} | {case.millions:g} | {times} | {epoch:.3f} |", flush=True)


def off_linear(seconds: Seconds, threads: int) -> Spread:
    """Time a rating at the largest size over that at the smallest, less one."""
    first, last = ends(seconds, threads)
    return Spread.of([large / small - 1 for small, large in zip(seconds[first], seconds[last], strict=True)])


def growth_rows(dim: int, seconds: Seconds) -> list[Row]:
    """The smallest size against the largest: 1.00 where time grows as the ratings do."""
    rows = []
    for threads in sorted({case.threads for case in seconds}):
        first, last = ends(seconds, threads)
        theirs, mine = (f"{1e9 * statistics.median(seconds[case]):.1f} ns a rating" for case in (first, last))
        what = f"{last.millions:g}M ratings, dim {dim}, {threads} thread{'s' if threads > 1 else ''}"
        rows.append(Row(what, f"itself at {first.millions:g}M", mine, theirs, ratios(seconds[first], seconds[last])))
    return rows


def thread_rows(dim: int, seconds: Seconds) -> list[Row]:
    """Each number of threads against the smallest, at every size."""
    fewest = min(case.threads for case in seconds)
    rows = []
    for case, each in seconds.items():
        if case.threads > fewest:
            alone = seconds[Case(case.millions, fewest)]
            mine, theirs = (f"{1e-6 / statistics.median(times):.0f}M ratings/s" for times in (each, alone))
            what = f"{case.threads} threads, dim {dim}, {case.millions:g}M ratings"
            rows.append(Row(what, f"itself on {fewest}", mine, theirs, ratios(alone, each)))
    return rows


def ends(seconds: Seconds, threads: int) -> tuple[Case, Case]:
    """The smallest and the largest size measured with so many threads."""
    cases = sorted((case for case in seconds if case.threads == threads), key=lambda case: case.millions)
    return cases[0], cases[-1]


if __name__ == "__main__":
    main()
