"""Loading a ratings file: recsys against pyarrow and pandas, in interleaved processes.

    python benchmarks/loading.py                       19M rows
    python benchmarks/loading.py --n-ratings 1000000

"coded": the ids are numbers 0 … n − 1; "ready": duplicates are checked, the ratings split and sorted into blocks.
"""

from __future__ import annotations

import json
import statistics
import sys
from functools import partial
from pathlib import Path

from measure import Row, command_line, interleaved, ratios
from peers import output_of
from synthetic import World, text_files

START = "import json, resource, sys, time; path = sys.argv[1]; start = time.perf_counter()\n"
# Linux counts the parent of a new process into ru_maxrss; VmHWM is the process's own.
END = """
seconds = time.perf_counter() - start
try:
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak / 1024]))
"""
ARROW = """
from pyarrow import csv
table = csv.read_csv(path)
user, item = (table[name].combine_chunks().dictionary_encode() for name in ("user", "item"))
"""
PANDAS = """
import pandas as pd
frame = pd.read_csv(path, dtype={"user": "int32", "item": "int32", "rating": "float32"})
user, item = pd.factorize(frame.user), pd.factorize(frame.item)
"""
CODED = """
from pathlib import Path
from recsys.config.schema.data import Data
from recsys.core.events import silent
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.ids import index_columns
source = open_source(Path(path), Data(ratings=Path(path)), silent)
table = read_table(source, ColumnRequest(frozenset({"user", "item", "rating"})))
user, item = index_columns([table.user]), index_columns([table.item])
"""
READY = """
from pathlib import Path
from recsys.config.schema.data import Data
from recsys.config.schema.split import Split
from recsys.core.communicator import ALONE
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.training.sgd.blocks import choose_n_side, sort_into_blocks
parts = split(read_ratings(Data(ratings=Path(path)), ALONE), Split(valid_fraction=0, test_fraction=0.05), 42)
train = parts.train
n_side = choose_n_side(len(train), len(train.users), len(train.items), 64)
blocks = sort_into_blocks(train, train.scale, n_side=n_side, dim=64, seed=42, n_threads=2)
"""
PROGRAMS = {"pyarrow": ARROW, "pandas": PANDAS, "coded": CODED, "ready": READY}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for row in compared(World(n_ratings=arguments.n_ratings), arguments.rounds):
        print(row)


def compared(world: World, rounds: int) -> list[Row]:
    """Ours against each peer's: "coded" does what they do, "ready" much more."""
    path = text_files(world) / "train.csv"
    path.read_bytes()  # into the page cache, for all of them
    programs = {name: partial(seconds_and_megabytes, program, path) for name, program in PROGRAMS.items()}
    results = interleaved(programs, rounds)
    seconds = {name: [second for second, _ in each] for name, each in results.items()}

    def figures(name: str) -> str:
        peak = statistics.median(megabytes for _, megabytes in results[name])
        return f"{statistics.median(seconds[name]):.2f} s, peak {peak:,.0f} MB"

    return [
        Row(f"read {0.95e-6 * world.n_ratings:.3g}M rows, {form}", peer, figures(form), figures(peer), times)
        for peer in ("pyarrow", "pandas")
        for form in ("coded", "ready")
        for times in [ratios(seconds[peer], seconds[form])]
    ]


def seconds_and_megabytes(program: str, path: Path) -> tuple[float, float]:
    """What a program takes in a process of its own, imports included."""
    seconds, megabytes = json.loads(output_of([sys.executable, "-c", START + program + END, path]))
    return seconds, megabytes


if __name__ == "__main__":
    main()
