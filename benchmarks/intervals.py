"""Whether 90% intervals hold: `python benchmarks/intervals.py`, with the folds of ML-100K in RECSYS_ML100K.

Coverage on test: over all, of users and items without and with few training ratings, and of the fifths of users with
the narrowest and with the widest intervals, pooled over seeds or folds; "to": the least and the most of one seed or
fold. "Sparse" are 3,000 users and as many items with 26,000 ratings on 0.5 to 5, most users with fewer than 10.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import recsys
from measure import command_line
from recsys.artifacts.bundle import open_bundle
from recsys.config.loading.load import config_from, load_config
from recsys.config.schema.config import Config
from recsys.data.interactions import Interactions
from recsys.evaluation.coverage import FifthCoverage, RangeCoverage
from recsys.workflows.evaluate import IntervalCoverage, coverage_of, ratings_to_measure
from synthetic_datasets import Planted, planted

CONFIGS = Path(__file__).parent.parent / "configs"
SEEDS, FOLDS, LEVEL = (42, 1, 2), (1, 2, 3, 4, 5), 0.9
FEW_OF_USERS, FEW_OF_ITEMS = 10, 5  # training ratings
SPARSE = Planted(3_000, 3_000, 7.7, 0.5, 5, 3.5, bias=0.5, factor=0.3, noise=0.8, step=0.5)
UNLIKE = replace(SPARSE, bias=1.4, factor=0.05, noise=0.3)
SMALL = {
    "movielens-small, sgd": ("movielens-small.yaml", ()),
    "movielens-small, gibbs": ("most-accurate.yaml", ()),
    "movielens-small, gibbs with drift": ("most-accurate.yaml", ("model.user_drift=true",)),
}
FOLDED = {
    "ML-100K, sgd, a tenth of train as valid": ("dot-product-100k.yaml", ("split.valid_fraction=0.1",)),
    "ML-100K, gibbs": ("gibbs-flipped-100k.yaml", ()),
    "ML-100K, gibbs with drift": ("gibbs-time-100k.yaml", ()),
}
METHODS = {
    "sgd": {"training": {"method": "sgd"}},
    "gibbs": {"model": {"kind": "svdpp"}, "training": {"method": "gibbs"}},
}
WORLDS = {"sparse": SPARSE, "sparse, users and items very unlike": UNLIKE}


def main() -> None:
    """Prints the table as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of movielens-small and of sparse sets")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name has one of these in it")
    given = parser.parse_args()
    columns = ["data and method", "all", "unknown users", "users with 1 to 10 ratings", "unknown items"]
    columns += ["items with 1 to 5 ratings", "narrowest fifth", "widest fifth", "mean width"]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)
    for name, (config, overrides) in SMALL.items():
        if any(part in name for part in given.only):
            row(name, [coverage(config, *overrides, f"seed={seed}") for seed in given.seeds])
    for name, form, method in ((f"{world}, {method}", WORLDS[world], method) for world in WORLDS for method in METHODS):
        if any(part in name for part in given.only):
            row(name, [coverage_on(planted(form, seed), METHODS[method], seed) for seed in given.seeds])
    ml100k = os.environ.get("RECSYS_ML100K")
    for name, (config, overrides) in FOLDED.items() if ml100k else ():
        if not any(part in name for part in given.only):
            continue
        files = [f"data={{train: {ml100k}/u{n}.train.csv, test: {ml100k}/u{n}.test.csv}}" for n in FOLDS]
        row(name, [coverage(config, *overrides, file) for file in files])


def coverage(config: str, *overrides: str) -> IntervalCoverage:
    """What `recsys evaluate --interval 0.9` finds of a run that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return _coverage(load_config(CONFIGS / config, [*overrides, "ranking=none"]), Path(folder))


def coverage_on(ratings: Interactions, sections: dict[str, Any], seed: int) -> IntervalCoverage:
    """The same of a run on ratings that are given."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ratings.csv"
        rows = np.stack([ratings.user_idx, ratings.item_idx, ratings.rating], axis=1)
        np.savetxt(file, rows, fmt=["%d", "%d", "%g"], delimiter=",", header="user,item,rating", comments="")
        values = {"data": {"ratings": str(file)}, "ranking": "none", "seed": seed, **sections}
        return _coverage(config_from(values, Path(folder)), Path(folder))


def _coverage(config: Config, folder: Path) -> IntervalCoverage:
    recsys.train(config, folder / "run")
    bundle = open_bundle(folder / "run")
    return coverage_of(bundle, ratings_to_measure(bundle), LEVEL)


def row(name: str, results: list[IntervalCoverage]) -> None:
    """A line of the table: each column is a mean over test ratings."""
    users = [group for each in results for group in each["by_user"]]
    items = [group for each in results for group in each["by_item"]]
    ranges = [*with_ratings(users, FEW_OF_USERS), *with_ratings(items, FEW_OF_ITEMS)]
    fifths = [spanned([each["by_width"][fifth] for each in results]) for fifth in (0, -1)]
    width = f"{np.mean([result['mean_width'] for result in results]):.2f}"
    print(f"| {' | '.join([name, spanned(results), *ranges, *fifths, width])} |", flush=True)


def with_ratings(groups: list[RangeCoverage], few: int) -> list[str]:
    """Coverage where there are no training ratings, and where there are few."""
    none, some = ([group for group in groups if (group["low"] > 0) == has_some] for has_some in (False, True))
    return [pooled(none), pooled([group for group in some if group["high"] <= few])]


Covered = RangeCoverage | FifthCoverage | IntervalCoverage


def spanned(rows: Sequence[Covered]) -> str:
    """Coverage over the ratings of all rows, and the least and the most of one."""
    each = [row["coverage"] for row in rows]
    return f"{pooled(rows)}, {min(each):.3f} to {max(each):.3f}"


def pooled(rows: Sequence[Covered]) -> str:
    """Coverage over the ratings of all rows; with their number, where that is small."""
    n = [row["n_ratings"] for row in rows]
    if not sum(n):
        return "–"
    text = f"{np.average([row['coverage'] for row in rows], weights=n):.3f}"
    return text if sum(n) > 5_000 else f"{text} ({sum(n):,} ratings)"


if __name__ == "__main__":
    main()
