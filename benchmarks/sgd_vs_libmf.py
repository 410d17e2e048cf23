"""Ratings/s of `training.method: sgd` against libmf, on the same synthetic ratings, in interleaved runs.

    python benchmarks/sgd_vs_libmf.py                  one pass over the ratings, at dims 16, 32, 64 and 128
    python benchmarks/sgd_vs_libmf.py --whole          from the files to a saved model as good as libmf's best

libmf is built from the source in its package on PyPI, with the flags of its Makefile, AVX and OpenMP on.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

from recsys.config.model import DotProduct as Model
from recsys.config.training import Sgd
from recsys.data.ratings import Ratings
from recsys.data.scale import Scale
from recsys.data.vocabulary import Vocabulary
from recsys.models.dot_product import DotProduct
from recsys.records import silent
from recsys.training.sgd.learner import SgdLearner
from synthetic import CACHE, Part, World, synthetic, text_files

FLAGS = ("-O3", "-pthread", "-std=c++0x", "-march=native", "-DUSEAVX", "-mavx", "-DUSEOMP", "-fopenmp")
EPOCHS = 20  # timed in a round
# What reaches the best test rmse that libmf has on the default world: of dims 16, 32, 64 and 128, lambda 0.02 to
# 0.08, eta 0.05 and 0.1, and up to 40 passes. And what reaches that with recsys.
LIBMF_BEST = {"dim": 32, "lambda": 0.02, "eta": 0.05, "passes": 21}
RECSYS_BEST = {"model.embedding_dim": 16, "training.n_epochs": 10, "training.lr_max": 0.05}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--dims", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole", action="store_true", help="whole processes to the same test rmse")
    asked = parser.parse_args()
    world = World(n_ratings=asked.n_ratings)
    libmf = build_libmf()
    if asked.whole:
        whole(world, libmf, asked.rounds, asked.threads)
        return
    train = ratings(world, synthetic(world).train)
    for dim in asked.dims:
        one_pass(world, libmf, train, dim, asked.rounds, asked.threads)


def one_pass(world: World, libmf: Path, train: Ratings, dim: int, rounds: int, threads: int) -> None:
    """Prints ratings/s of both and their ratio; each round runs one after the other."""
    files = text_files(world)
    learner = learner_of(train, dim, threads)
    learner.epoch(1, silent)  # touches the memory
    ours, theirs = [], []
    for _ in range(rounds):
        passes = (1, 1, 1 + EPOCHS)  # the first touches the memory; the next two differ by EPOCHS passes
        out = run([libmf, files / "train.txt", "", files / "model", dim, threads, 0.05, 0.05, *passes])
        _, short, long = (float(seconds) for seconds in re.findall(r"trained (\S+)", out))
        theirs.append(EPOCHS * len(train) / (long - short))
        start = time.perf_counter()
        for number in range(1, EPOCHS + 1):
            learner.epoch(number, silent)
        ours.append(EPOCHS * len(train) / (time.perf_counter() - start))
    speeds = f"sgd {statistics.median(ours) / 1e6:.0f}M, libmf {statistics.median(theirs) / 1e6:.0f}M ratings/s"
    print(f"dim {dim}, {threads} threads: {speeds}; {ratio(ours, theirs)}", flush=True)


def whole(world: World, libmf: Path, rounds: int, threads: int) -> None:
    """Prints the wall time of both processes, from text to a saved model, and the test rmse of both."""
    files = text_files(world)
    best = LIBMF_BEST
    settings = [files / "model", best["dim"], threads, best["lambda"], best["eta"], best["passes"]]
    out = run([libmf, files / "train.txt", files / "test.txt", *settings])
    target = float(re.findall(r"^ *\d+ +\S+ +(\S+)", out, re.MULTILINE)[-1])
    config = files / "benchmark.yaml"
    config.write_text("data: {train: train.csv, test: test.csv}\nsplit: {valid_fraction: 0}\n")
    chosen = {**RECSYS_BEST, "training.n_threads": threads}
    changes = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    ours, theirs = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        run([libmf, files / "train.txt", "", *settings])
        middle = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            recsys = Path(sys.executable).with_name("recsys")
            command = [recsys, "train", "--config", config, *changes, "--json"]
            metrics = json.loads(run([*command, "--run-dir", Path(folder) / "run"]))
        theirs.append(1 / (middle - start))
        ours.append(1 / (time.perf_counter() - middle))
    seconds = f"recsys {1 / statistics.median(ours):.1f} s, libmf {1 / statistics.median(theirs):.1f} s"
    print(f"test rmse recsys {metrics['test']['rmse']:.4f}, libmf {target:.4f}")
    print(f"whole process: {seconds}; {ratio(ours, theirs)}")


def ratio(ours: list[float], theirs: list[float]) -> str:
    """How many times as fast we are, round by round."""
    each = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"ratio min {min(each):.2f}, median {statistics.median(each):.2f}, max {max(each):.2f}"


def learner_of(train: Ratings, dim: int, threads: int) -> SgdLearner:
    model = DotProduct(len(train.users), len(train.items), Model(embedding_dim=dim), Scale.of(train), seed=0)
    return SgdLearner(model, train, Sgd(n_threads=threads), seed=0)


def ratings(world: World, part: Part) -> Ratings:
    """A part of a synthetic world as recsys holds it."""
    users, items = (Vocabulary(np.arange(n)) for n in (world.n_users, world.n_items))
    return Ratings(part.user, part.item, part.rating, None, users, items)


def build_libmf() -> Path:
    """The program of libmf_train.cpp, built once."""
    program = CACHE / "libmf_train"
    driver = Path(__file__).with_name("libmf_train.cpp")
    if program.exists() and program.stat().st_mtime > driver.stat().st_mtime:
        return program
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--no-build-isolation"]
        run([*pip, "--no-binary", ":all:", "--dest", folder, "libmf==0.9.2"])
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        source = Path(folder) / "libmf-0.9.2" / "src_cpp"
        run(["g++", *FLAGS, f"-I{source}", driver, source / "mf.cpp", "-o", program])
    return program


def run(command: list[object]) -> str:
    """What a command prints; its errors go to the terminal."""
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
