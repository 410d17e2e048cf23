"""A run updated with a tenth more ratings, against training again on all of them.

python benchmarks/updating.py                          1M synthetic ratings
python benchmarks/updating.py --n-ratings 20000000
RECSYS_ML100K=… python benchmarks/updating.py --ml100k the first fold of ML-100K
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import recsys
from measure import command_line, interleaved, ratios
from recsys.core.seeding import rng
from synthetic import dense_world, text_files

NEW = 1 / 11  # of all ratings: a tenth of the old ones
METHODS = ("sgd", "adamw")


def main() -> None:
    """Prints rmse and times of both, and their ratios."""
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=1_000_000)
    parser.add_argument("--ml100k", action="store_true")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--method", default="sgd", choices=METHODS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the update")
    arguments = parser.parse_args()
    if arguments.ml100k:
        folder = Path(os.environ["RECSYS_ML100K"])
        files = folder / "u1.train.csv", folder / "u1.test.csv"
    else:
        folder = text_files(dense_world(arguments.n_ratings))
        files = folder / "train.csv", folder / "test.csv"
    compare(*files, arguments.method, arguments.dim, arguments.rounds, arguments.set)


def compare(train: Path, test: Path, method: str, dim: int, rounds: int, overrides: list[str]) -> None:
    """Prints the medians of interleaved rounds."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        cut(train, root)
        shape = {"model": {"embedding_dim": dim}, "training": {"method": method}, "split": {"valid_fraction": 0}}
        before: Any = recsys.train({"data": {"train": str(root / "old.csv"), "test": str(test)}, **shape}, root / "old")
        whole = {"data": {"train": str(train), "test": str(test)}, **shape}
        parts = f"data={{train: {root / 'new.csv'}, test: {test}}}"
        fits: dict[str, Callable[[Path], Any]] = {
            "again": lambda run: recsys.train(whole, run),
            "update": lambda run: recsys.update(root / "new.csv", root / "old", run, overrides=[parts, *overrides]),
        }
        numbers = count()
        measures = {kind: partial(timed, fit, root, numbers) for kind, fit in fits.items()}
        results = interleaved(measures, rounds)
    rmse = {kind: each[0][0] for kind, each in results.items()}
    print(
        f"test rmse before: {before['test']['rmse']:.4f}; trained again: {rmse['again']:.4f};"
        f" updated: {rmse['update']:.4f}"
    )
    print(f"rmse of the update over that of training again: {rmse['update'] / rmse['again']:.4f}")
    for column, what in ((1, "fitting"), (2, "the whole, reading and writing included")):
        seconds = {kind: [run[column] for run in each] for kind, each in results.items()}
        share = ratios(seconds["update"], seconds["again"])
        print(
            f"time of {what}: again {min(seconds['again']):.2f} s, update {min(seconds['update']):.2f} s;"
            f" ratio: {share}"
        )


def timed(fit: Callable[[Path], Any], root: Path, numbers: Iterator[int]) -> tuple[float, float, float]:
    """Test rmse, seconds of fitting and seconds in all."""
    started = time.perf_counter()
    metrics = fit(root / str(next(numbers)))
    return metrics["test"]["rmse"], metrics["fit_seconds"], time.perf_counter() - started


def cut(train: Path, root: Path) -> None:
    """Writes old.csv and new.csv, a random share of the lines each."""
    header, *lines = train.read_bytes().splitlines(keepends=True)
    is_new = rng(0, "new ratings").random(len(lines)) < NEW
    for name, kept in (("old", False), ("new", True)):
        with (root / f"{name}.csv").open("wb") as file:
            file.write(header)
            file.writelines(line for line, new in zip(lines, is_new.tolist(), strict=True) if new is kept)


if __name__ == "__main__":
    main()
