"""How the time of a score, and the memory of an export, grow with the number of items: recsys against itself.

    python benchmarks/serving_at_size.py                the ten best of 27,000, 200,000 and 1,000,000 items
    python benchmarks/serving_at_size.py --export       peak of export-factors with that many items and users

Factors are random: scores take the same time whatever they are. CPU time of one thread.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from measure import Spread, command_line, interleaved, ratios
from peers import output_of
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.loading.load import config_from
from recsys.core.seeding import rng
from recsys.core.threads import one_blas_thread
from recsys.core.types import Float32Array
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.tiles import best_items, users_at_once
from synthetic import CACHE

DIM = 64
SCORES = 128_000_000  # of each size in each round
RATED = 100  # items of each user that are left out

PEAK = """
import resource, sys
from recsys.artifacts.bundle import open_bundle
from recsys.inference.export import export_factors
from pathlib import Path
bundle = open_bundle(Path(sys.argv[1]))
bundle.rating, bundle.users.ids, bundle.items.ids, bundle.titles
if len(sys.argv) > 2:
    export_factors(bundle, Path(sys.argv[1]) / f"export-{sys.argv[2]}", sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[27_000, 200_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--export", action="store_true")
    arguments = parser.parse_args()
    if arguments.export:
        exports(arguments.items)
    else:
        scores(arguments.items, arguments.rounds)


def scores(sizes: list[int], rounds: int) -> None:
    """Nanoseconds a score, and as times those of the first size."""
    with one_blas_thread():
        times = interleaved({n: top_ten(n) for n in sizes}, rounds)
    for n, values in times.items():
        ratio = "" if n == sizes[0] else f"; times that of {sizes[0]:,}: {ratios(values, times[sizes[0]])}"
        print(f"{n:,} items: {statistics.median(values):.2f} ns a score ({Spread.of(values)}){ratio}", flush=True)


def top_ten(n_items: int) -> Callable[[], float]:
    """What measures a score among so many items."""
    block = users_at_once(n_items)
    n_users = max(1, SCORES // n_items // block) * block
    draw, scorer = rng(0, "size"), factors(n_users, n_items)
    allowed = np.ones(n_items, dtype=bool)
    left_out = np.repeat(np.arange(block), RATED), draw.integers(n_items, size=block * RATED, dtype=np.int32)

    def measure() -> float:
        start = time.thread_time()
        for begin in range(0, n_users, block):
            users = np.arange(begin, begin + block, dtype=np.int32)
            best_items(scorer, users, 10, allowed=allowed, left_out=left_out)
        return (time.thread_time() - start) / n_users / n_items * 1e9

    return measure


def exports(sizes: list[int]) -> None:
    """MB that a process takes at most: one that opens a run, and one for each format that exports it too."""
    CACHE.mkdir(exist_ok=True)
    for n in sizes:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            run_of(n, Path(folder))
            peaks = {
                name: float(output_of([sys.executable, "-c", PEAK, folder, *form]))
                for name, *form in (("opened",), ("parquet", "parquet"), ("csv", "csv"))
            }
        shown = ", ".join(f"{name} {peak:,.0f} MB" for name, peak in peaks.items())
        print(f"{n:,} users and items, {2 * n * (DIM + 1) * 4 / 1e6:,.0f} MB of numbers: {shown}", flush=True)


def run_of(n: int, folder: Path) -> None:
    """A serving folder with as many users as items, each with one rating."""
    idx = np.arange(n, dtype=np.int32)
    ids = np.array(sorted(f"id-{number}" for number in range(n)), dtype=object)
    users, items = Vocabulary(ids), Vocabulary(ids)
    train = Interactions(idx, idx, np.full(n, 3.0, dtype=np.float32), None, users, items)
    config = config_from({"data": {"ratings": "unused.csv"}}, folder)
    scorer = ServedScorer("dot_product", factors(n, n))
    write_bundle(folder, {"rating": scorer}, TrainingInputs(Splits(train, None, None)), config)


def factors(n_users: int, n_items: int) -> Factors:
    """Of random numbers."""
    draw = rng(1, "factors")

    def rows(n: int, *dims: int) -> Float32Array:
        return draw.normal(size=(n + 1, *dims)).astype(np.float32)

    return Factors(3.5, rows(n_users), rows(n_items), rows(n_users, DIM), rows(n_items, DIM), Link("identity", 1, 5))


if __name__ == "__main__":
    main()
