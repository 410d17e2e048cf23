"""What `recsys train --dry-run` predicts against what the run takes: peak memory, disk, CPU time, time.

    python benchmarks/costs.py --millions 0.1 1 5            rating scorer alone, dim 64
    python benchmarks/costs.py --millions 0.1 1 --ranking    with the ranking scorer

The dry run and the run are processes of their own, one after the other. Predicted disk is for the checkpoints that the
run has at its end; the dry run itself says the most. Time counts the start of Python, which the prediction does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import command_line
from recsys.artifacts.sizes import CHECKPOINTS_AT_ONCE
from synthetic import CACHE, World, dense_world

MB = 1e6


@dataclass(frozen=True)
class Usage:
    """Of a process: its answer, seconds, seconds of CPU time and bytes of memory at most."""

    answer: dict[str, Any]
    seconds: float
    cpu: float
    peak: int

    @classmethod
    def of(cls, command: Sequence[object]) -> Usage:
        """Runs a recsys command with --json to its end."""
        start = time.perf_counter()
        with tempfile.TemporaryFile() as out:
            words = [sys.executable, "-m", "recsys", *map(str, command), "--json"]
            process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, words)
            out.seek(0)
            seconds = time.perf_counter() - start
            return cls(json.load(out), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[0.1, 1, 5])
    parser.add_argument("--ranking", action="store_true")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    print(
        "| ratings | peak, MB: predicted | measured | disk, MB: predicted | measured | CPU s: predicted | measured |",
        end="",
    )
    print(" s: predicted | measured |\n|" + " --- |" * 9)
    for millions in arguments.millions:
        for _ in range(arguments.rounds):
            print(compared(dense_world(int(millions * 1e6)), arguments.dim, ranking=arguments.ranking), flush=True)


def compared(world: World, dim: int, *, ranking: bool) -> str:
    """A line of the table."""
    # in a process of its own, since the memory of this one counts as that of those that it starts
    sizes = [f"--{key.replace('_', '-')}={getattr(world, key)}" for key in ("n_ratings", "n_users", "n_items")]
    subprocess.run([sys.executable, Path(__file__).with_name("synthetic.py"), *sizes], check=True, capture_output=True)
    config = world.folder / "costs.yaml"
    scorers = "" if ranking else "ranking: none\n"
    config.write_text(f"data: {{train: train.csv, test: test.csv}}\nmodel: {{embedding_dim: {dim}}}\n{scorers}")
    predicted = Usage.of(["train", config, "--dry-run"]).answer
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        run = Path(folder) / "run"
        taken = Usage.of(["train", config, "--run-dir", run])
        disk = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
        n_checkpoints = len(list((run / "checkpoints").glob("epoch-*")))
    fits = [predicted, *([predicted["ranking"]] if ranking else [])]
    unwritten = (CHECKPOINTS_AT_ONCE - n_checkpoints) * sum(fit["checkpoint_bytes"] for fit in fits)
    cells = [
        f"{world.n_ratings:,}",
        f"{predicted['peak_bytes'] / MB:,.0f}",
        f"{taken.peak / MB:,.0f}",
        f"{(predicted['disk_bytes'] - unwritten) / MB:,.1f}",
        f"{disk / MB:,.1f}",
        f"{predicted['cpu_seconds']:.1f}",
        f"{taken.cpu:.1f}",
        f"{predicted['least_seconds']:.1f} to {predicted['most_seconds']:.1f}",
        f"{taken.seconds:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
