"""The short form of every comparison, in under ten minutes: `python benchmarks` writes README.md and ratios.png."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import growth
import loading
import serving
import sgd_vs_libmf
import trainers
from learners import ratings
from measure import Row, attempted
from page import write_page
from picture import draw
from synthetic import World, dense_world, synthetic

WORLD = World(n_ratings=5_000_000)
DIMS = (16, 32, 64, 128)
ROUNDS = 3


def main() -> None:
    start = time.perf_counter()
    sections: dict[str, Callable[[], Iterable[Row]]] = {
        "libmf": libmf,
        "other trainers": other_trainers,
        "loading": lambda: loading.compared(WORLD, ROUNDS),
        "serving": lambda: serving.compared(WORLD, ROUNDS),
        "growth and threads": growth_and_threads,
    }
    tables: dict[str, list[Row]] = {}
    for name, rows in sections.items():
        tables[name] = []
        for row in rows():
            print(f"[{time.perf_counter() - start:3.0f} s] {row}", flush=True)
            tables[name].append(row)
    folder = Path(__file__).parent
    draw(tables, folder / "ratios.png")
    write_page(tables, time.perf_counter() - start, folder / "README.md")


def libmf() -> Iterable[Row]:
    """A pass of ours against one of libmf's, at every dim."""
    train = ratings(WORLD, synthetic(WORLD).train)
    for dim in DIMS:
        compared = partial(sgd_vs_libmf.one_pass, WORLD, train, dim, ROUNDS, 2)
        yield attempted(f"a pass, dim {dim}, 2 threads", "libmf", compared)


def other_trainers() -> Iterable[Row]:
    """A fit of ours against one by PyTorch, Surprise and Cornac."""
    for peer in ("adamw", "surprise", "cornac"):
        compared = partial(trainers.compared, dense_world(1_000_000), peer, 64, ROUNDS)
        yield attempted("1M ratings, dim 64", peer, compared)


def growth_and_threads() -> Iterable[Row]:
    """Ourselves with more ratings, and on more threads."""
    for dim in (16, 64):
        seconds = growth.measure(dim, (1, 5), (1, 2), ROUNDS, growing=True)
        yield from growth.growth_rows(dim, seconds)
        yield from growth.thread_rows(dim, seconds)


if __name__ == "__main__":
    main()
