"""Whole processes, from text to a saved model: time, CPU time and peak memory of recsys, libmf, pandas and pyarrow.

    python benchmarks/whole_process.py                     1M, 5M and 20M ratings, three interleaved rounds
    python benchmarks/whole_process.py --millions 100      as much as memory and disk allow
    python benchmarks/whole_process.py --only recsys       how its time grows with the ratings, without the others

recsys and libmf train with the settings by which each reaches libmf's best test rmse on 20M ratings soonest; recsys
without its ranking scorer, which libmf has not. pandas and pyarrow only read the same file and code its ids. A
twentieth of the ratings is the test part, which recsys is measured on and libmf is not. CPU time is that of all
threads; on a machine that others use, its ratios are the ones to go by.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loading import ARROW, PANDAS
from measure import Spread, command_line, interleaved, ratios
from peers import build_libmf, output_of
from synthetic import CACHE, World

# What reaches the best test rmse that libmf has on the default world: of dims 16, 32, 64 and 128, lambda 0.02 to
# 0.08, eta 0.05 and 0.1, and up to 40 passes. And what reaches that with recsys.
LIBMF_BEST = {"dim": 32, "lambda": 0.02, "eta": 0.05, "passes": 21}
RECSYS_BEST = {"model.embedding_dim": 16, "training.n_epochs": 10, "training.lr_max": 0.05}
ALLOWED = 250, 28, 2
"""What recsys may take at its peak: MB, bytes a training rating, and times the size of the model."""
NUMBER_BYTES = 4
READERS = {"pandas": PANDAS, "pyarrow": ARROW}


@dataclass(frozen=True)
class Usage:
    """Of a process and its threads: seconds on the clock and of CPU time, and the most memory at once, in MB."""

    seconds: float
    cpu: float
    peak: float
    out: str

    @classmethod
    def of(cls, command: Sequence[object]) -> Usage:
        """Runs a command to its end."""
        start = time.perf_counter()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
            process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - start
            if process.returncode:
                said.seek(0)
                sys.exit(said.read().decode())
            out.seek(0)
            return cls(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, out.read().decode())


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 20])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["recsys"])
    arguments = parser.parse_args()
    print("| M ratings | program | s | CPU s | CPU ns a rating | peak, MB | test rmse |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    lines, ours = [], {}
    for millions in arguments.millions:
        world = World(int(millions * 1e6))
        usages = interleaved(programs(world, arguments.threads, arguments.only), arguments.rounds)
        print_usages(world, usages)
        ours[n_train(world)] = statistics.median(map(_cpu, usages["recsys"]))
        lines += [compared(world, usages)] if "libmf" in usages else []
    for (few, before), (many, after) in itertools.pairwise(ours.items()):
        each = 1e9 * (after - before) / (many - few)
        print(f"\nfrom {few / 1e6:g}M to {many / 1e6:g}M ratings, recsys: {each:.0f} CPU ns for each more")
    if not lines:
        return
    print("\n| M ratings | share of libmf's time: min | median | max | of its CPU time: min | median | max | peak |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(lines))


def n_train(world: World) -> int:
    """Ratings that are trained on."""
    return world.n_ratings - world.n_ratings // 20


def programs(world: World, threads: int, only: str | None) -> Mapping[str, Callable[[], Usage]]:
    """What is measured, by name."""
    # In a process of its own, since the memory of this one counts as that of those that it starts.
    output_of([sys.executable, Path(__file__).with_name("synthetic.py"), "--n-ratings", world.n_ratings])
    files, best = world.folder, LIBMF_BEST
    recsys = partial(trained, files, threads)
    recsys()  # compiles what is not in the cache yet
    if only:
        return {only: recsys}
    settings = [best["dim"], threads, best["lambda"], best["eta"], best["passes"]]
    libmf: list[object] = [build_libmf(), files / "train.txt", "", files / "model", *settings]
    commands: dict[str, list[object]] = {"libmf": libmf}
    for name, code in READERS.items():
        commands[name] = [sys.executable, "-c", f"path = {str(files / 'train.csv')!r}{code}"]
    return {"recsys": recsys, **{name: partial(Usage.of, command) for name, command in commands.items()}}


def trained(files: Path, threads: int) -> Usage:
    """`recsys train`, from the start of Python to the finished run."""
    config = files / "whole_process.yaml"
    config.write_text("data: {train: train.csv, test: test.csv}\nsplit: {valid_fraction: 0}\nranking: none\n")
    chosen = {**RECSYS_BEST, "training.n_threads": threads}
    changes = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        run = Path(folder) / "run"
        return Usage.of(
            [sys.executable, "-m", "recsys", "train", "--config", config, *changes, "--json", "--run-dir", run]
        )


def print_usages(world: World, usages: Mapping[str, Sequence[Usage]]) -> None:
    """The medians of the rounds, a line each."""
    n = n_train(world)
    for name, rounds in usages.items():
        seconds, cpu, peak = (statistics.median(map(get, rounds)) for get in (_seconds, _cpu, _peak))
        rmse = RMSE[name](world, rounds[0]) if name in RMSE else ""
        each = 1e9 * cpu / n
        print(f"| {n / 1e6:g} | {name} | {seconds:.1f} | {cpu:.1f} | {each:.0f} | {peak:.0f} | {rmse} |", flush=True)


def _of_recsys(_: World, usage: Usage) -> str:
    return f"{json.loads(usage.out)['test']['rmse']:.4f}"


def _of_libmf(world: World, _: Usage) -> str:
    """That after the last pass of one more run, which is told the test part."""
    files, best = world.folder, LIBMF_BEST
    settings = [files / "model", best["dim"], 2, best["lambda"], best["eta"], best["passes"]]
    out = output_of([build_libmf(), files / "train.txt", files / "test.txt", *settings])
    return f"{float(re.findall(r'^ *[0-9]+ +[^ ]+ +([^ ]+)', out, re.MULTILINE)[-1]):.4f}"


RMSE: dict[str, Callable[[World, Usage], str]] = {"recsys": _of_recsys, "libmf": _of_libmf}


def compared(world: World, usages: Mapping[str, Sequence[Usage]]) -> str:
    """Time and CPU time as shares of libmf's, and the peak against what it may be."""
    n = n_train(world)
    ours, theirs = usages["recsys"], usages["libmf"]
    shares = [ratios([get(usage) for usage in ours], [get(usage) for usage in theirs]) for get in (_seconds, _cpu)]
    base, a_rating, times = ALLOWED
    model = NUMBER_BYTES * (world.n_users + world.n_items) * (int(RECSYS_BEST["model.embedding_dim"]) + 1) / 1e6
    allowed = base + a_rating * n / 1e6 + times * model
    peak = statistics.median(map(_peak, ours))
    cells = [cell for share in shares for cell in _cells(share)]
    return f"| {n / 1e6:g} | {' | '.join(cells)} | {peak:.0f} of {allowed:.0f} MB |"


def _cells(spread: Spread) -> list[str]:
    return [f"{value:.2f}" for value in (spread.least, spread.median, spread.most)]


def _seconds(usage: Usage) -> float:
    return usage.seconds


def _cpu(usage: Usage) -> float:
    return usage.cpu


def _peak(usage: Usage) -> float:
    return usage.peak


if __name__ == "__main__":
    main()
