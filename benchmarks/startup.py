"""How long a command takes to start: this tree against another one, in alternating processes.

    git worktree add /tmp/base f6d99ea
    python benchmarks/startup.py /tmp/base
    python benchmarks/startup.py /tmp/base --rounds 40

CPU time is what a busy machine changes least. Each tree predicts from a run that it has trained itself,
since the format of a run may differ.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from measure import command_line, interleaved, ratios

ROOT = Path(__file__).parents[1]
COMMANDS = (("--help",), ("train", "--help"), ("predict", "1", "31"))
SETTINGS = ("--set", "training.n_epochs=1", "--run-dir", "runs/first")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("base", type=Path, help="the root of the other source tree")
    parser.add_argument("--rounds", type=int, default=20, help="runs of each command with each tree [20]")
    arguments = parser.parse_args()
    if not (arguments.base / "src" / "recsys").is_dir():
        parser.error(f"{arguments.base} is no source tree: it has no src/recsys")
    with tempfile.TemporaryDirectory() as folder:
        trees = {"base": (arguments.base.resolve(), Path(folder, "base")), "here": (ROOT, Path(folder, "here"))}
        for source, work in trees.values():
            work.mkdir()
            recsys(source, work, "train", "--config", str(ROOT / "configs" / "movielens-small.yaml"), *SETTINGS)
        for command in COMMANDS:
            measures = {name: partial(seconds, *tree, *command) for name, tree in trees.items()}
            interleaved(measures, 2)  # compiles what Python caches
            results = interleaved(measures, arguments.rounds)
            print(f"recsys {' '.join(command)}")
            for clock, name in enumerate(("wall", "CPU")):
                base, here = ([times[clock] for times in results[tree]] for tree in ("base", "here"))
                medians = f"base {median(base):.3f} s, here {median(here):.3f} s"
                print(f"  {name} time, medians: {medians}; here / base: {ratios(here, base)}", flush=True)


def seconds(source: Path, work: Path, *command: str) -> tuple[float, float]:
    """Wall time and CPU time of one process."""
    start, cpu_start = time.perf_counter(), children_cpu()
    recsys(source, work, *command)
    return time.perf_counter() - start, children_cpu() - cpu_start


def children_cpu() -> float:
    """CPU seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def recsys(source: Path, work: Path, *command: str) -> None:
    """One command of a source tree, in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(source / "src"), "NUMBA_CACHE_DIR": str(work / "numba")}
    program = [sys.executable, "-m", "recsys", *command]
    subprocess.run(program, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
