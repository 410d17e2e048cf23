"""Reading a CSV and a Parquet file: this tree, and another one, in interleaved processes.

    git worktree add /tmp/base f6d99ea
    python benchmarks/reading_files.py /tmp/base                        19M rows
    python benchmarks/reading_files.py /tmp/base --n-ratings 2000000
    python benchmarks/reading_files.py                                  this tree alone

CPU time, user and system, of `recsys.read_ratings` is what a busy machine changes least; a file of a few rows is read
before, so that imports are not counted. Every tree and format has to give the same columns to the bit. Half of the time
for Parquet may be the sort that finds duplicates: NumPy's for AVX-512 is slow on AMD's Zen 4, and without it, with
NPY_DISABLE_CPU_FEATURES=X86_V4, that sort takes a seventh.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from measure import command_line, interleaved, ratios
from synthetic import World, text_files

ROOT = Path(__file__).parents[1]
PROGRAM = """
import hashlib, json, resource, sys, time
import recsys
recsys.read_ratings(sys.argv[2])
start, start_cpu = time.perf_counter(), time.process_time()
ratings = recsys.read_ratings(sys.argv[1]).ratings
cpu, wall = time.process_time() - start_cpu, time.perf_counter() - start
try:
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
digest = hashlib.sha256()
for column in (ratings.user_idx, ratings.item_idx, ratings.rating, ratings.users.ids, ratings.items.ids):
    digest.update(str(column.dtype).encode() + column.tobytes())
print(json.dumps([cpu, wall, peak / 1024, digest.hexdigest()]))
"""


class Reading(NamedTuple):
    """What it takes to read a file once, seconds and MB, and a digest of what was read."""

    cpu: float
    wall: float
    peak: float
    digest: str


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("base", type=Path, nargs="?", help="the root of the other source tree")
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    csv = text_files(World(n_ratings=arguments.n_ratings)) / "train.csv"
    _as_parquet(csv)
    measures = {
        (name, "here"): partial(reading, ROOT, csv.with_suffix(f".{name.lower()}")) for name in ("CSV", "Parquet")
    }
    if arguments.base is not None:
        measures = {("CSV", "base"): partial(reading, arguments.base, csv), **measures}
    interleaved(measures, 1)  # into the page cache
    results = interleaved(measures, arguments.rounds)
    for (name, tree), readings in results.items():
        print(f"{name}, {tree}: {figures(readings)}")
    if arguments.base is not None:
        compare("CSV, here / base", results["CSV", "here"], results["CSV", "base"])
    compare("CSV / Parquet, here", results["CSV", "here"], results["Parquet", "here"])
    digests = {each.digest for readings in results.values() for each in readings}
    print("the same columns to the bit" if len(digests) == 1 else "COLUMNS DIFFER")


def reading(source: Path, path: Path) -> Reading:
    """Reads a file in a new process with the code of a source tree."""
    environment = {**os.environ, "PYTHONPATH": str(source.resolve() / "src")}
    command = [sys.executable, "-c", PROGRAM, str(path), str(_few_rows(path))]
    output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Reading(*json.loads(output))


def figures(readings: Sequence[Reading]) -> str:
    """The medians."""
    cpu, wall, peak = (statistics.median(values) for values in list(zip(*readings, strict=True))[:3])
    return f"{cpu:.2f} s of CPU, {wall:.2f} s, peak {peak:,.0f} MB"


def compare(what: str, above: Sequence[Reading], below: Sequence[Reading]) -> None:
    """Prints the ratios of the rounds."""
    for name in ("cpu", "wall", "peak"):
        values = ([getattr(each, name) for each in readings] for readings in (above, below))
        print(f"  {what}, {name}: {ratios(*values)}")


def _as_parquet(path: Path) -> None:
    """Writes the same tables beside the CSV file and its first rows."""
    from pyarrow import csv, parquet

    with path.open() as rows:
        _few_rows(path).write_text("".join(islice(rows, 1000)))
    for file in (path, _few_rows(path)):
        parquet.write_table(csv.read_csv(file), file.with_suffix(".parquet"))


def _few_rows(path: Path) -> Path:
    return path.with_stem("few")


if __name__ == "__main__":
    main()
