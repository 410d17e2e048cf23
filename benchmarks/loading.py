"""Loading a ratings file: recsys against pyarrow and pandas, in interleaved processes.

    python benchmarks/loading.py                       20M rows
    python benchmarks/loading.py --n-ratings 1000000

"coded": the ids are numbers 0 … n − 1; "ready": duplicates are checked, the ratings split and sorted into blocks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from peers import interleaved, ratio
from synthetic import World, text_files
from trainers import SHAPES

START = "import json, resource, sys, time; path = sys.argv[1]; start = time.perf_counter()\n"
END = """
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
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
from recsys.config.data import Data
from recsys.data.read import read_table
from recsys.data.ids import index_columns
table = read_table(Path(path), Data(ratings=Path(path)), frozenset({"user", "item", "rating"}))
user, item = index_columns([table.user]), index_columns([table.item])
"""
READY = """
from pathlib import Path
from recsys.config.data import Data
from recsys.config.split import Split
from recsys.data.read import read_ratings
from recsys.data.split import split
from recsys.training.sgd.blocks import choose_n_side, sort_into_blocks
parts = split(read_ratings(Data(ratings=Path(path))), Split(valid_fraction=0, test_fraction=0.05), 42)
train = parts.train
n_side = choose_n_side(len(train), len(train.users), len(train.items), 64)
blocks = sort_into_blocks(train, parts.scale, n_side=n_side, dim=64, seed=42, n_threads=2)
"""
PROGRAMS = {"pyarrow": ARROW, "pandas": PANDAS, "recsys, coded": CODED, "recsys, ready": READY}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-ratings", type=int, choices=SHAPES, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    path = text_files(World(asked.n_ratings, *SHAPES[asked.n_ratings])) / "train.csv"
    path.read_bytes()  # into the page cache, for all of them
    peaks: dict[str, float] = {}

    def measure(name: str) -> float:
        seconds, peaks[name] = seconds_and_megabytes(PROGRAMS[name], path)
        return seconds

    results = interleaved({name: lambda name=name: measure(name) for name in PROGRAMS}, asked.rounds)  # type: ignore[misc]
    for name, seconds in results.items():
        against = f"; {ratio(seconds, results['pyarrow'])} of pyarrow's" if name != "pyarrow" else ""
        print(f"{name}: {statistics.median(seconds):.2f} s, peak {peaks[name]:,.0f} MB{against}", flush=True)


def seconds_and_megabytes(program: str, path: Path) -> tuple[float, float]:
    """What a program takes in a process of its own, imports included."""
    command = [sys.executable, "-c", START + program + END, str(path)]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, megabytes = json.loads(out)
    return seconds, megabytes


if __name__ == "__main__":
    main()
