"""Prepared stores of a stranger: a manifest, an index and columns with hostile content under checksums that are right.

Training from one ends with finite numbers, or with an error of ours.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from faults.isolated import Ended, attacked, run_steps
from faults.manifests import change, read_arrays, replace_file, write_arrays
from faults.outcome import Outcome
from faults.trained import copied, finite, in_new_folder, prepare

SECONDS = 60.0  # for a step
STORE, INDEX, DIM = "store.json", "index.safetensors", 4
TRAININGS: dict[str, dict[str, Any]] = {
    "blocks": {"training": {"method": "sgd", "n_epochs": 2}},
    "in memory": {"training": {"method": "gibbs", "n_epochs": 2, "burn_in": 1}},
    "ranking": {"training": {"method": "sgd", "n_epochs": 1}, "ranking": {"embedding_dim": 4, "n_epochs": 1}},
}
"""Step → the sections of its config; without `ranking` there is none."""


def attack_in(folder: Path, seed: int, seconds: float, say: Callable[[str], None], n_cases: int = 10**9) -> Outcome:
    """Cases for as long as there is time, at most so many, on a store in a folder; it is made where there is none."""
    prepare_store(folder)
    return attacked(lambda number: case(folder, seed, number), seconds, say, n_cases)


def prepare_store(folder: Path) -> None:
    """Writes a store, in a process of its own."""
    prepare(folder)
    if not (folder / "store").exists():
        (end,) = run_steps({"prepare": lambda: _prepare(folder)}, SECONDS).values()
        assert end.how == "answer", end


def case(folder: Path, seed: int, number: int) -> tuple[str, dict[str, Ended]]:
    """One case: what is changed, and how each step ended."""
    draw = random.Random(f"{seed} {number}")
    store = copied(folder / "store", folder / "attacked store")
    what = change(store, STORE, draw)
    if draw.random() < 0.9:
        seal_columns(store)
    return what, run_steps(trainings(store), SECONDS)


def seal_columns(store: Path) -> None:
    """Writes the checksums of the columns' parts into the index, as far as the columns can be read."""
    with contextlib.suppress(Exception):  # what raises it is what is attacked
        index = read_arrays((store / INDEX).read_bytes())
        for name in [name for name in index if name.endswith("_crc32")]:
            (column,) = read_arrays((store / f"{name.removesuffix('_crc32')}s.safetensors").read_bytes()).values()
            starts = index["block_start"] if name.startswith("block_") else np.array([0, len(column)])
            sums = [zlib.crc32(column[low:high].tobytes()) for low, high in itertools.pairwise(starts)]
            index[name] = np.array(sums, dtype=np.int64)
        replace_file(store, STORE, INDEX, write_arrays(index))


def trainings(store: Path) -> dict[str, Callable[[], Any]]:
    """Training from the store, by each way to read it."""
    return {step: lambda step=step: _trained(store, step) for step in TRAININGS}  # type: ignore[misc]


def _trained(store: Path, step: str) -> Any:
    from recsys import api

    run = store.parent / "run of store"
    shutil.rmtree(run, ignore_errors=True)
    sections = {"model": {"embedding_dim": DIM}, "ranking": "none", **TRAININGS[step]}
    config = {"data": {"prepared": str(store)}, **sections}
    metrics = api.train(config, run)
    return finite(json.loads(json.dumps({key: metrics.get(key) for key in ("valid", "test")})))


def _prepare(folder: Path) -> str:
    from recsys import api

    overrides = ["ranking=none", f"model.embedding_dim={DIM}"]
    return str(api.prepare(folder / "data" / "ratings.csv", folder / "store", overrides=overrides))


attack = in_new_folder(attack_in)
