"""Ratings/s of `training.method: sgd` against libmf, on the same synthetic ratings, in interleaved runs.

    python benchmarks/sgd_vs_libmf.py                  one pass over the ratings, at dims 16, 32, 64 and 128
    python benchmarks/sgd_vs_libmf.py --whole          from the files to a saved model as good as libmf's best

libmf is built from the source in its package on PyPI, with the flags of its Makefile, AVX and OpenMP on.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from learners import N_EPOCHS, ratings, sgd_learner
from measure import Row, command_line, interleaved, ratios
from peers import build_libmf, output_of
from recsys.core.events import silent
from recsys.data.interactions import Interactions
from recsys.training.sgd.settings import Sgd
from synthetic import CACHE, World, synthetic, text_files

# What reaches the best test rmse that libmf has on the default world: of dims 16, 32, 64 and 128, lambda 0.02 to
# 0.08, eta 0.05 and 0.1, and up to 40 passes. And what reaches that with recsys.
LIBMF_BEST = {"dim": 32, "lambda": 0.02, "eta": 0.05, "passes": 21}
RECSYS_BEST = {"model.embedding_dim": 16, "training.n_epochs": 10, "training.lr_max": 0.05}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="whole processes to the same test rmse")
    arguments = parser.parse_args()
    world = World(n_ratings=arguments.n_ratings)
    if arguments.whole:
        print(whole(world, arguments.rounds, arguments.threads))
        return
    train = ratings(world, synthetic(world).train)
    for dim in arguments.dims:
        print(one_pass(world, train, dim, arguments.rounds, arguments.threads), flush=True)


def one_pass(world: World, train: Interactions, dim: int, rounds: int, threads: int) -> Row:
    """Ratings/s of both inside a pass; each round times N_EPOCHS passes of one and then of the other."""
    libmf = build_libmf()
    files = text_files(world)
    learner = sgd_learner(train, dim, Sgd(n_threads=threads))
    learner.epoch(1, silent)  # touches the memory
    timed = N_EPOCHS * len(train)

    def ours() -> float:
        start = time.perf_counter()
        for number in range(1, N_EPOCHS + 1):
            learner.epoch(number, silent)
        return timed / (time.perf_counter() - start)

    def theirs() -> float:
        passes = (1, 1, 1 + N_EPOCHS)  # the first touches the memory; the next two differ by N_EPOCHS passes
        out = output_of([libmf, files / "train.txt", "", files / "model", dim, threads, 0.05, 0.05, *passes])
        _, short, long = (float(seconds) for seconds in re.findall(r"trained (\S+)", out))
        return timed / (long - short)

    speeds = interleaved({"libmf": theirs, "recsys": ours}, rounds)
    mine, other = (f"{statistics.median(speeds[name]) / 1e6:.0f}M ratings/s" for name in ("recsys", "libmf"))
    return Row(f"a pass, dim {dim}, {threads} threads", "libmf", mine, other, ratios(speeds["recsys"], speeds["libmf"]))


def whole(world: World, rounds: int, threads: int) -> Row:
    """Wall time of both processes, from text to a saved model, and the test rmse of both."""
    libmf = build_libmf()
    files = text_files(world)
    best = LIBMF_BEST
    settings = [files / "model", best["dim"], threads, best["lambda"], best["eta"], best["passes"]]
    out = output_of([libmf, files / "train.txt", files / "test.txt", *settings])
    target = float(re.findall(r"^ *\d+ +\S+ +(\S+)", out, re.MULTILINE)[-1])
    config = files / "benchmark.yaml"
    config.write_text("data: {train: train.csv, test: test.csv}\nsplit: {valid_fraction: 0}\n")
    chosen = {**RECSYS_BEST, "training.n_threads": threads}
    changes = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    command = [Path(sys.executable).with_name("recsys"), "train", "--config", config, *changes, "--json"]
    rmse = []

    def ours() -> float:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            metrics = json.loads(output_of([*command, "--run-dir", Path(folder) / "run"]))
            seconds = time.perf_counter() - start
        rmse.append(float(metrics["test"]["rmse"]))
        return seconds

    def theirs() -> float:
        start = time.perf_counter()
        output_of([libmf, files / "train.txt", "", *settings])
        return time.perf_counter() - start

    seconds = interleaved({"libmf": theirs, "recsys": ours}, rounds)
    mine, other = (f"{statistics.median(seconds[name]):.1f} s, test rmse" for name in ("recsys", "libmf"))
    times = ratios(seconds["libmf"], seconds["recsys"])
    return Row("whole process", "libmf", f"{mine} {rmse[-1]:.4f}", f"{other} {target:.4f}", times)


if __name__ == "__main__":
    main()
