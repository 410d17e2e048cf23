"""Gibbs sampling against myFM, on the first fold of ML-100K: `RECSYS_ML100K=FOLDER python benchmarks/gibbs_vs_myfm.py`.

Whole processes, from the CSV to the test rmse, in turn: `recsys train` with so many sweeps that its rmse is at least as
good as that of myFM with rank 10 and 512 iterations, for flipped SVD++ and for user and item alone. And how long a fit
takes on synthetic ratings of the shape of ML-1M, flipped, dim 24, 256 sweeps.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from learners import ratings
from measure import Row, attempted, command_line, interleaved, ratios
from peers import answer_of, output_of
from recsys.evaluation.metrics import evaluate
from recsys.models.svdpp.settings import SvdPP
from recsys.training.gibbs.learner import GibbsLearner
from recsys.training.gibbs.models import svdpp
from recsys.training.gibbs.settings import Gibbs
from recsys.training.loop import fit
from synthetic import World, synthetic

ROUNDS = 3
RANK, ITERATIONS = 10, 512
FITS_MYFM = Path(__file__).with_name("myfm_fit.py")


@dataclass(frozen=True)
class Settings:
    """What is compared; `sweeps` of ours are as good as 512 iterations of myFM."""

    name: str
    model: dict[str, Any]
    sweeps: int


FLIPPED = Settings("flipped SVD++", {"kind": "svdpp", "embedding_dim": 10}, 60)
PLAIN = Settings("user and item", {"kind": "dot_product", "embedding_dim": 16}, 60)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(shape_of_ml1m(), flush=True)
    if folder() is None:
        sys.exit("the environment variable RECSYS_ML100K has to name a folder with u1.train.csv and u1.test.csv")
    for row in compared(given.rounds):
        print(row, flush=True)


def shape_of_ml1m() -> Row:
    """A fit in this process, once, on nine tenths of the ratings."""
    world = World(n_ratings=1_000_209, n_users=6_040, n_items=3_706)
    parts = synthetic(world)
    train, test = (ratings(world, part) for part in (parts.train, parts.test))
    train = train.take(np.sort(np.random.default_rng(0).permutation(len(train))[: world.n_ratings * 9 // 10]))
    learner = GibbsLearner(svdpp(SvdPP(embedding_dim=24)), train.scale, train, Gibbs(n_epochs=256), seed=42)
    seconds = sum(epoch.seconds for epoch in fit(learner))
    rmse = evaluate(learner.scorer(), test).metrics["rmse"]
    what = f"{len(train):,} ratings of {world.n_users:,} users and {world.n_items:,} items, flipped SVD++, dim 24"
    return Row(what, "–", f"256 sweeps in {seconds:.1f} s, rmse {rmse:.4f} (noise {parts.floor:.4f})", "–", None)


def compared(rounds: int) -> Iterable[Row]:
    """A row for each form; none where ML-100K is not to be had."""
    where = folder()
    if where is None:
        return
    for settings in (FLIPPED, PLAIN):
        what = f"a fold of ML-100K, {settings.name}, whole process"
        yield attempted(what, "myFM", partial(one_fold, what, settings, where, rounds))


def folder() -> Path | None:
    """Where ML-100K lies."""
    named = os.environ.get("RECSYS_ML100K")
    return Path(named) if named else None


def one_fold(what: str, settings: Settings, where: Path, rounds: int) -> Row:
    """Both in turn."""
    ours = partial(recsys, settings, where)
    ours()  # compiles the kernels, where they are not in the cache
    runs = interleaved({"ours": ours, "theirs": partial(myfm, settings, where)}, rounds)
    seconds = {name: [time for time, _ in results] for name, results in runs.items()}
    rmse = {name: results[0][1] for name, results in runs.items()}
    cells = {name: f"{sorted(times)[len(times) // 2]:.1f} s, rmse {rmse[name]:.4f}" for name, times in seconds.items()}
    return Row(what, "myFM", cells["ours"], cells["theirs"], ratios(seconds["theirs"], seconds["ours"]))


def recsys(settings: Settings, where: Path) -> tuple[float, float]:
    """Seconds of `recsys train` and its test rmse."""
    program = shutil.which("recsys", path=str(Path(sys.executable).parent)) or "recsys"
    values = {
        "data": {"train": str(where / "u1.train.csv"), "test": str(where / "u1.test.csv")},
        "split": {"valid_fraction": 0},
        "model": settings.model,
        "training": {"method": "gibbs", "n_epochs": settings.sweeps},
    }
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "config.yaml"
        config.write_text(json.dumps(values))
        start = time.perf_counter()
        out = output_of([program, "train", "--config", config, "--run-dir", Path(scratch) / "run", "--json"])
        seconds = time.perf_counter() - start
    return seconds, float(json.loads(out)["test"]["rmse"])


def myfm(settings: Settings, where: Path) -> tuple[float, float]:
    """Seconds of a process that fits myFM, and its test rmse."""
    flipped = int(settings is FLIPPED)
    arguments = (where / "u1.train.csv", where / "u1.test.csv", flipped, RANK, ITERATIONS)
    answer_of("myfm", "pass; print('{}')")  # makes the environment, the first time
    start = time.perf_counter()
    answer = answer_of("myfm", FITS_MYFM.read_text(encoding="utf-8"), *arguments)
    return time.perf_counter() - start, float(answer["rmse"])


if __name__ == "__main__":
    main()
