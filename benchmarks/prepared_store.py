"""Preparing a store against reading and sorting in memory, and training from it against training in memory.

    python benchmarks/prepared_store.py                          20M ratings
    python benchmarks/prepared_store.py --copies 5 --rounds 1 --skip csv      95M to train on: five times as many items
    python benchmarks/prepared_store.py --limit 300      also in a cgroup of 300 MB, page cache included (as root)

CPU time is that of all threads of a process; peaks are what the process held itself, the page cache not included. A
twentieth of the ratings is held out for the test. "csv" trains from the text, "memory" from the store with all ratings
in memory, "store" block by block, "limited" the same in a cgroup; all have the same parameters, which is checked.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from measure import command_line, interleaved, ratios
from peers import output_of
from synthetic import CACHE, World, text_files

CGROUPS = Path("/sys/fs/cgroup")
START = """
import json, sys, time
path, folder = sys.argv[1:3]
"""
END = """
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"cpu": time.process_time(), "peak": peak / 1024, **globals().get("facts", {})}))
"""
READY = """
from pathlib import Path
from recsys.config.loading.load import load_config
from recsys.core.communicator import ALONE
from recsys.core.events import silent
from recsys.training.sgd.blocks import choose_n_side, sort_into_blocks
from recsys.workflows.inputs import from_scratch
config = load_config(Path(path))
train, dim = from_scratch(config, silent, ALONE).train, config.model.embedding_dim
n_side = choose_n_side(len(train), len(train.users), len(train.items), dim)
blocks = sort_into_blocks(train, train.scale, n_side=n_side, dim=dim, seed=42, n_threads=2)
"""
PREPARE = """
import recsys
recsys.prepare(None, folder, config=path, memory=sys.argv[3])
"""
TRAIN = """
import hashlib
from pathlib import Path
from recsys.artifacts.run import Run
from recsys.config.loading.load import load_config
from recsys.core.events import Epoch, FitStart
from recsys.workflows import inputs, train
overrides, in_memory = json.loads(sys.argv[3]), sys.argv[4] == "memory"
if in_memory:
    prepared = inputs.prepared_inputs
    inputs.prepared_inputs = lambda config, observe, *, reads_blocks: prepared(config, observe, reads_blocks=False)
clock, epochs = [time.process_time()], []
def watch(event):
    now = time.process_time()
    if isinstance(event, Epoch):
        epochs.append(now - clock[0])
    if isinstance(event, FitStart | Epoch):
        clock[0] = now
metrics = train.train(load_config(Path(path), overrides), Path(folder), observe=watch)
arrays = (Path(folder) / "serving" / "scorer.safetensors").read_bytes()
facts = {"sha256": hashlib.sha256(arrays).hexdigest(), "rmse": metrics["test"]["rmse"], "epochs": epochs}
"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, default=20)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--memory", default="500MB")
    parser.add_argument("--skip", nargs="*", default=[], choices=["ready", "csv", "memory"])
    parser.add_argument("--limit", type=int, metavar="MB", help="of a cgroup in which the store is trained from, too")
    arguments = parser.parse_args()
    world = World(int(arguments.millions * 1e6))
    files = text_files(world)
    trained_on = ["train.csv", *(copied(files, world, number) for number in range(1, arguments.copies))]
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        config = Path(folder) / "prepared.yaml"
        config.write_text(
            f"data: {{train: [{', '.join(str(files / name) for name in trained_on)}], test: {files / 'test.csv'}}}\n"
            f"split: {{valid_fraction: 0}}\nranking: none\nmodel: {{embedding_dim: {arguments.dim}}}\n"
            f"training: {{n_epochs: {arguments.epochs}, checkpoint_every: {arguments.epochs}}}\n"
        )
        store = Path(folder) / "store"
        preparing: dict[str, Callable[[], dict[str, Any]]] = {
            "ready": partial(measured, READY, config, ""),
            "prepare": partial(measured, PREPARE, config, store, arguments.memory),
        }
        show(preparing, arguments, ["prepare"], "ready")
        used = [f"data.prepared={store}"]
        training: dict[str, Callable[[], dict[str, Any]]] = {
            "csv": partial(trained, config, folder, [], "csv"),
            "memory": partial(trained, config, folder, used, "memory"),
            "store": partial(trained, config, folder, used, "store"),
        }
        if arguments.limit:
            training["limited"] = partial(limited, config, folder, store, arguments.limit)
        blockwise = [name for name in ("store", "limited") if name in training]
        results = show(training, arguments, blockwise, "memory")
        for ours in blockwise if "memory" in results else []:
            shares = ratios(*([sum(each["epochs"]) for each in results[name]] for name in (ours, "memory")))
            print(f"CPU time of epochs, {ours} against memory: {shares}")
        sums = {each["sha256"] for rounds in results.values() for each in rounds}
        print("parameters:", "the same bits" if len(sums) == 1 else "DIFFERENT BITS")


def copied(files: Path, world: World, number: int) -> str:
    """The name of a file with the training ratings, each of another item."""
    import pyarrow.compute as compute
    import pyarrow.csv as csv

    name = f"train-{number}.csv"
    if not (files / name).exists():
        table = csv.read_csv(files / "train.csv")
        item = compute.add(table["item"], number * world.n_items)
        moved = table.set_column(table.schema.get_field_index("item"), "item", item)
        csv.write_csv(moved, files / "copied", csv.WriteOptions(quoting_style="none"))
        (files / "copied").rename(files / name)
    return name


def show(
    programs: dict[str, Callable[[], dict[str, Any]]], arguments: Any, ours: Sequence[str], theirs: str
) -> dict[str, list[dict[str, Any]]]:
    """Runs the programs and prints a line for each, and how each of ours compares with theirs."""
    wanted = {name: run for name, run in programs.items() if name not in arguments.skip}
    results = interleaved(wanted, arguments.rounds)
    for name, rounds in results.items():
        cpu, peak = (statistics.median(each[key] for each in rounds) for key in ("cpu", "peak"))
        rest = f", test rmse {rounds[0]['rmse']:.5f}" if "rmse" in rounds[0] else ""
        print(f"{name:8} CPU {cpu:.1f} s, peak {peak:,.0f} MB{rest}", flush=True)
    for each in ours if theirs in results else []:
        print(f"CPU time, {each} against {theirs}: {ratios(_cpus(results[each]), _cpus(results[theirs]))}", flush=True)
    return results


def limited(config: Path, folder: str, store: Path, limit: int) -> dict[str, Any]:
    """A training from a store, nothing of which is in the page cache, in a cgroup with so many MB."""
    for path in filter(Path.is_file, store.rglob("*")):
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with cgroup(limit) as inside:
        return trained(config, folder, [f"data.prepared={store}"], "store", inside)


def trained(
    config: Path, folder: str, overrides: Sequence[str], how: str, inside: Sequence[object] = ()
) -> dict[str, Any]:
    """A training in a process of its own."""
    run = Path(folder) / "run"
    try:
        return measured(TRAIN, config, run, json.dumps(overrides), how, inside=inside)
    finally:
        shutil.rmtree(run, ignore_errors=True)


def measured(program: str, *arguments: object, inside: Sequence[object] = ()) -> dict[str, Any]:
    """What a program says of itself, in a process of its own."""
    facts: dict[str, Any] = json.loads(output_of([*inside, sys.executable, "-c", START + program + END, *arguments]))
    return facts


@contextmanager
def cgroup(limit: int) -> Iterator[list[object]]:
    """What runs a command in a cgroup of its own with so many MB."""
    is_first = (CGROUPS / "memory").is_dir()
    folder = CGROUPS / ("memory" if is_first else "") / f"recsys-benchmark-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / ("memory.limit_in_bytes" if is_first else "memory.max")).write_text(str(limit << 20))
        yield ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder]
    finally:
        folder.rmdir()


def _cpus(rounds: Sequence[dict[str, Any]]) -> list[float]:
    return [each["cpu"] for each in rounds]


if __name__ == "__main__":
    main()
