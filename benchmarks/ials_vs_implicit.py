"""Implicit ALS against that of implicit, and how its time and memory grow.

    python benchmarks/ials_vs_implicit.py                        an epoch, a whole fit, growth, memory: ten minutes
    python benchmarks/ials_vs_implicit.py --parts epoch fit      some of them

Two threads each, in interleaved rounds; CPU seconds, which other work on the machine changes least, are those of all
threads together. An epoch solves users and items once, and so does an iteration of implicit, with three steps of
conjugate gradients each. A fit is everything from interactions in memory to rows: sorting, the pilot fits that choose
the regularization, 8 epochs; for implicit, `fit` with 15 iterations, its default. Growth compares epochs, by the
interaction, with users and items growing along. Memory is the most that a process holds that fits from arrays.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from learners import ratings
from measure import Row, Spread, attempted, command_line, interleaved, ratios
from peers import answer_of
from recsys.core.events import silent
from recsys.data.interactions import Interactions
from recsys.training.ials.learner import IalsLearner
from recsys.training.ials.settings import Ials
from synthetic import World, dense_world, synthetic

ROUNDS, DIM, DIMS = 5, 128, (64, 128, 256)
GIVEN = {"regularization": 0.01, "popularity_weight": 0.0}  # so that no pilots are fitted
Dim: TypeAlias = int | Literal["auto"]
PARTS = ("epoch", "fit", "growth", "memory")
MEDIUM = World(n_ratings=842_106, n_users=6_000, n_items=3_700)  # 800,001 of them are trained on
MILLIONS = (1, 5, 20)
IMPLICIT = """
import json, os, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as implicit asks for
import numpy as np, scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares
arrays, dim, iterations = np.load(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
ones = np.ones(len(arrays["user"]), np.float32)
train = sparse.csr_matrix((ones, (arrays["user"], arrays["item"])))
als = AlternatingLeastSquares(factors=dim, iterations=iterations, num_threads=2, random_state=1)
marks = [time.process_time()]
als.fit(train, show_progress=False, callback=lambda *_: marks.append(time.process_time()))
print(json.dumps({"iterations": [b - a for a, b in zip(marks, marks[1:])], "fit": time.process_time() - marks[0]}))
"""
ALONE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from ials_vs_implicit import fit_seconds, trained_on
from synthetic import dense_world
dim = "auto" if sys.argv[3] == "auto" else int(sys.argv[3])
seconds = fit_seconds(trained_on(dense_world(int(sys.argv[2]))), dim)
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--millions", type=int, nargs="+", default=MILLIONS, help="of growth; of memory, the largest")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train, arrays = trained_on(MEDIUM), Path(folder) / "train.npz"
        np.savez(arrays, user=train.user_idx, item=train.item_idx)
        for dim in DIMS if "epoch" in given.parts else ():
            print(epoch(train, arrays, dim, given.rounds), flush=True)
        if "fit" in given.parts:
            print(whole_fit(train, arrays, given.rounds), flush=True)
    if "growth" in given.parts:
        growth(sorted(given.millions), given.rounds)
    if "memory" in given.parts:
        for dim_of_fit in (DIM, "auto"):
            memory(max(given.millions), dim_of_fit)


def trained_on(world: World) -> Interactions:
    """The training part of a synthetic world."""
    return ratings(world, synthetic(world).train)


def learner_of(train: Interactions, dim: Dim, **settings: float) -> IalsLearner:
    """Ready for its first epoch."""
    return IalsLearner(train, Ials.model_validate({"embedding_dim": dim, "n_threads": 2, **settings}), seed=1)


def epoch(train: Interactions, arrays: Path, dim: int, rounds: int) -> Row:
    """An epoch against an iteration: in each round the median of four, the first left out."""
    what = f"an epoch of {len(train):,} interactions, dim {dim}"

    def measure() -> Row:
        learner = learner_of(train, dim, **GIVEN)
        theirs = partial(answer_of, "implicit", IMPLICIT, arrays, dim, 5)
        return compared(what, lambda: epoch_seconds(learner), lambda: median_of_later(theirs()["iterations"]), rounds)

    return attempted(what, "implicit", measure)


def whole_fit(train: Interactions, arrays: Path, rounds: int) -> Row:
    """A fit by default against 15 iterations."""
    what = f"a fit to {len(train):,} interactions, dim {DIM}"

    def measure() -> Row:
        theirs = partial(answer_of, "implicit", IMPLICIT, arrays, DIM, 15)
        return compared(what, lambda: fit_seconds(train), lambda: float(theirs()["fit"]), rounds)

    return attempted(what, "implicit", measure)


def compared(what: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Row:
    """Both in turn."""
    seconds = interleaved({"recsys": ours, "implicit": theirs}, rounds)
    mine, other = (f"{statistics.median(seconds[name]):.2f} CPU s" for name in ("recsys", "implicit"))
    return Row(what, "implicit", mine, other, ratios(seconds["implicit"], seconds["recsys"]))


def epoch_seconds(learner: IalsLearner) -> float:
    """CPU seconds of an epoch, the median of four; the first one is left out, which touches the memory."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        learner.epoch(1, silent)
        seconds.append(time.process_time() - start)
    return median_of_later(seconds)


def median_of_later(seconds: Sequence[float]) -> float:
    """Of all but the first."""
    return statistics.median(seconds[1:])


def fit_seconds(train: Interactions, dim: Dim = DIM) -> float:
    """CPU seconds from interactions to the scorer, by default."""
    unsorted = Interactions(train.user_idx, train.item_idx, train.rating, None, train.users, train.items)
    start = time.process_time()
    learner = learner_of(unsorted, dim)
    for number in range(1, learner.n_epochs + 1):
        learner.epoch(number, silent)
    learner.scorer()
    return time.process_time() - start


def growth(millions: Sequence[int], rounds: int) -> None:
    """CPU time of an epoch by the interaction, and how far it is off linear."""
    learners = {size: learner_of(trained_on(dense_world(size * 1_000_000)), DIM, **GIVEN) for size in millions}
    measures = {size: partial(epoch_seconds, learner) for size, learner in learners.items()}
    seconds = interleaved(measures, rounds)
    each = {size: [value / learners[size].n_ratings for value in seconds[size]] for size in millions}
    for size, values in each.items():
        off = Spread.of([one / first - 1 for one, first in zip(values, each[millions[0]], strict=True)])
        ns = f"{1e9 * statistics.median(values):.0f} ns an interaction and epoch"
        print(f"{size}M interactions, dim {DIM}: {ns}, off linear {off.median:+.0%}", flush=True)


def memory(millions: int, dim: Dim) -> None:
    """The most memory of a process that fits, and its time."""
    command = [sys.executable, "-c", ALONE, str(Path(__file__).parent), str(millions * 1_000_000), str(dim)]
    seconds, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    most = f"a fit from arrays holds at most {int(kilobytes) / 1e6:.2f} GB"
    print(f"{millions}M interactions, dim {dim}: {most}, {float(seconds):.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
