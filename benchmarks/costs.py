"""What `recsys train --dry-run` predicts against what the run takes: peak memory, disk, CPU time, time.

    python benchmarks/costs.py --millions 0.1 1 5            rating scorer alone, dim 64
    python benchmarks/costs.py --millions 0.1 1 --ranking    with the ranking scorer

The dry run and the run are processes of their own, one after the other. Predicted disk is for the checkpoints that the
run has at its end; the dry run itself says the most. Time counts the start of Python, which the prediction does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import command_line
from recsys.artifacts.sizes import CHECKPOINTS_AT_ONCE
from synthetic import CACHE, World, dense_world
from whole_process import Usage

MB = 1e6


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
    compared(dense_world(100_000), arguments.dim, ranking=arguments.ranking)  # compiles what is not in the cache yet
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
    train = [sys.executable, "-m", "recsys", "train", config, "--json"]
    predicted = json.loads(Usage.of([*train, "--dry-run"]).out)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        run = Path(folder) / "run"
        taken = Usage.of([*train, "--run-dir", run])
        disk = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
        n_checkpoints = len(list((run / "checkpoints").glob("epoch-*")))
    fits = [predicted, *([predicted["ranking"]] if ranking else [])]
    unwritten = (CHECKPOINTS_AT_ONCE - n_checkpoints) * sum(fit["checkpoint_bytes"] for fit in fits)
    cells = [
        f"{world.n_ratings:,}",
        f"{predicted['peak_bytes'] / MB:,.0f}",
        f"{taken.peak:,.0f}",
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
