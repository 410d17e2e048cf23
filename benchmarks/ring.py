"""An epoch of sgd on several ranks against the same one in one process with as many threads, in turn.

Example: torchrun --nproc-per-node 2 benchmarks/ring.py --n-ratings 20000000 --rounds 3
"""

from __future__ import annotations

import statistics
import time

import numpy as np

import recsys
from learners import ratings, sgd_learner
from measure import command_line
from recsys.core.collectives import gather_state
from recsys.core.communicator import Communicator
from recsys.core.events import silent
from recsys.training.sgd.dot_product import SgdLearner
from recsys.training.sgd.settings import Sgd
from synthetic import World, synthetic


def main() -> None:
    """Prints a line for each round, and the medians."""
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=20_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    world = World(n_ratings=arguments.n_ratings)
    with recsys.join_ranks() as ranks:
        if ranks.rank == 0:
            synthetic(world)  # made once
        ranks.barrier()
        train = ratings(world, synthetic(world).train)
        settings = Sgd(n_threads=1, n_epochs=arguments.rounds + 1)
        ring = sgd_learner(train, arguments.dim, settings, ranks)
        as_many = settings.model_copy(update={"n_threads": ranks.size})
        alone = sgd_learner(train, arguments.dim, as_many) if ranks.rank == 0 else None
        compare(alone, ring, ranks, arguments.rounds)


def compare(alone: SgdLearner | None, ring: SgdLearner, ranks: Communicator, n_rounds: int) -> None:
    """The first round warms up."""
    rows = []
    for number in range(1, n_rounds + 2):
        ranks.barrier()
        of_one = spent(alone, number) if alone else (0.0, 0.0)
        sent = ring.sent_bytes
        ranks.barrier()
        wall, cpu = spent(ring, number)
        total = np.sum(ranks.all_gather(np.array([cpu, ring.sent_bytes - sent])), axis=0)
        if ranks.rank == 0 and number > 1:
            rows.append((of_one[0] / wall, total[0] / of_one[1]))
            print(
                f"one process, {ranks.size} threads: wall {of_one[0]:.3f} s, cpu {of_one[1]:.3f} s; {ranks.size} ranks:"
                f" wall {wall:.3f} s, cpu {total[0]:.3f} s, sent {total[1] / 1e6:.1f} MB",
                flush=True,
            )
    model = gather_state(ring.state(1), ranks).model
    if alone:
        needs = ring.traffic(ranks.size)
        evaluation, end = needs.evaluation / 1e6, needs.end / 1e6
        print(f"to be sent: {evaluation:.1f} MB and 4 bytes a rating in an evaluation, {end:.1f} MB at the end")
        expected = alone.state(1).model
        same = all(model[name].tobytes() == expected[name].tobytes() for name in expected)
        speed, cost = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"median: {speed:.2f} times as fast, {cost:.2f} of the CPU time; {'the same' if same else 'OTHER'} bits")


def spent(learner: SgdLearner, number: int) -> tuple[float, float]:
    """Wall and CPU seconds of an epoch in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    learner.epoch(number, silent)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
