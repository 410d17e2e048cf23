"""A run on several ranks that each read a part of the ratings, against one whose ranks each hold all of them.

    python benchmarks/reading_by_ranks.py                         5M ratings, 1 and 2 ranks
    python benchmarks/reading_by_ranks.py --millions 20 --ranks 2

Whole processes, started by torchrun, from text to a saved model: peak memory of each rank, and CPU time of all of them
together. One process that is no rank comes first. All have the same parameters, which is checked.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from measure import command_line, interleaved
from peers import output_of
from synthetic import CACHE, World, text_files

RANK = """
import hashlib, json, sys, time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch
import recsys
path, folder, whole = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "whole"
reason = patch("recsys.workflows.inputs_by_ranks.why_whole", lambda _: "it is measured")
with recsys.join_ranks() as ranks, reason if whole else nullcontext():
    recsys.train(path, folder, ranks=ranks)
    rank = ranks.rank
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
facts = {"rank": rank, "cpu": time.process_time(), "peak": peak / 1024}
facts["sha256"] = hashlib.sha256((folder / "serving" / "scorer.safetensors").read_bytes()).hexdigest()
Path(f"{folder}-{rank}.json").write_text(json.dumps(facts))
"""
CONFIG = """
data: {ratings: train.csv}
split: {valid_fraction: 0.02, test_fraction: 0.02}
model: {embedding_dim: 16}
training: {method: sgd, n_epochs: 5, lr_max: 0.05, n_threads: 1}
ranking: none
"""


def main() -> None:
    """Prints a line for each kind of run."""
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, default=5)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    world = World(round(arguments.millions * 1e6))
    text_files(world)
    config = world.folder / "reading_by_ranks.yaml"
    config.write_text(CONFIG)
    ways = [(0, "whole"), *((n_ranks, how) for n_ranks in arguments.ranks for how in ("whole", "by ranks"))]
    kinds = {(n_ranks, how): partial(measured, config, n_ranks, how) for n_ranks, how in ways}
    results = interleaved(kinds, arguments.rounds)
    assert len({rank["sha256"] for rounds in results.values() for ranks in rounds for rank in ranks}) == 1
    print("| ranks | ratings | CPU s of all | peak of rank 0, MB | largest of the others, MB |")
    print("| --- | --- | --- | --- | --- |")
    for (n_ranks, how), rounds in results.items():
        cpu = statistics.median(sum(rank["cpu"] for rank in ranks) for ranks in rounds)
        first, others = median_peak([ranks[:1] for ranks in rounds]), median_peak([ranks[1:] for ranks in rounds])
        print(f"| {n_ranks or 'no torchrun'} | {how} | {cpu:.1f} | {first} | {others} |", flush=True)


def measured(config: Path, n_ranks: int, how: str) -> list[dict[str, Any]]:
    """What each rank says of itself; 0 ranks: one process without torchrun."""
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        script, folder = Path(place) / "rank.py", Path(place) / "run"
        script.write_text(RANK)
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", n_ranks] if n_ranks else []
        output_of([sys.executable, *launch, script, config, folder, how])
        return [json.loads(Path(f"{folder}-{rank}.json").read_text()) for rank in range(max(n_ranks, 1))]


def median_peak(rounds: Sequence[Sequence[dict[str, Any]]]) -> str:
    """The largest peak of the ranks, the median of the rounds."""
    return (
        "–" if not all(rounds) else f"{statistics.median(max(rank['peak'] for rank in ranks) for ranks in rounds):.0f}"
    )


if __name__ == "__main__":
    main()
