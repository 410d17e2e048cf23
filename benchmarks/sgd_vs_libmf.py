"""Ratings/s of `training.method: sgd` against libmf, on the same synthetic ratings, in interleaved runs.

    python benchmarks/sgd_vs_libmf.py                  one pass over the ratings, at dims 16, 32, 64 and 128

libmf is built from the source in its package on PyPI, with the flags of its Makefile, AVX and OpenMP on.
"""

from __future__ import annotations

import re
import statistics
import time

from learners import N_EPOCHS, ratings, sgd_learner
from measure import Row, command_line, interleaved, ratios
from peers import build_libmf, output_of
from recsys.core.events import silent
from recsys.data.interactions import Interactions
from recsys.training.sgd.settings import Sgd
from synthetic import World, synthetic, text_files


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    world = World(n_ratings=arguments.n_ratings)
    train = ratings(world, synthetic(world).train)
    for dim in arguments.dims:
        print(one_pass(world, train, dim, arguments.rounds, arguments.threads), flush=True)


def one_pass(world: World, train: Interactions, dim: int, rounds: int, threads: int) -> Row:
    """Ratings/s of both inside a pass; each round times N_EPOCHS passes of one and then of the other."""
    libmf = build_libmf()
    files = text_files(world)
    learner = sgd_learner(train, dim, Sgd(n_threads=threads))
    learner.epoch(1, silent)  # touches the memory
    timed = N_EPOCHS * len(train)

    def ours() -> float:
        start = time.perf_counter()
        for number in range(1, N_EPOCHS + 1):
            learner.epoch(number, silent)
        return timed / (time.perf_counter() - start)

    def theirs() -> float:
        passes = (1, 1, 1 + N_EPOCHS)  # the first touches the memory; the next two differ by N_EPOCHS passes
        out = output_of([libmf, files / "train.txt", "", files / "model", dim, threads, 0.05, 0.05, *passes])
        _, short, long = (float(seconds) for seconds in re.findall(r"trained (\S+)", out))
        return timed / (long - short)

    speeds = interleaved({"libmf": theirs, "recsys": ours}, rounds)
    mine, other = (f"{statistics.median(speeds[name]) / 1e6:.0f}M ratings/s" for name in ("recsys", "libmf"))
    return Row(f"a pass, dim {dim}, {threads} threads", "libmf", mine, other, ratios(speeds["recsys"], speeds["libmf"]))


if __name__ == "__main__":
    main()
