"""Whether 90% intervals hold: `python benchmarks/intervals.py`, with the folds of ML-100K in RECSYS_ML100K.

Coverage on test: over all, of users with few training ratings, and of the fifths of users with the narrowest and with
the widest intervals, pooled over seeds or folds; "to": the least and the most of one seed or fold.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import recsys
from measure import command_line
from recsys.artifacts.bundle import open_bundle
from recsys.config.loading.load import load_config
from recsys.evaluation.calibration import FifthCoverage, RangeCoverage
from recsys.workflows.evaluate import IntervalCoverage, coverage_of, ratings_to_measure

CONFIGS = Path(__file__).parent.parent / "configs"
SEEDS, FOLDS, LEVEL = (42, 1, 2), (1, 2, 3, 4, 5), 0.9
FEW = 10  # training ratings
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


def main() -> None:
    """Prints the table as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of movielens-small")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name has one of these in it")
    given = parser.parse_args()
    print("| data and method | all | users with 10 ratings or fewer | narrowest fifth | widest fifth | mean width |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for name, (config, overrides) in SMALL.items():
        if any(part in name for part in given.only):
            row(name, [coverage(config, *overrides, f"seed={seed}") for seed in given.seeds])
    ml100k = os.environ.get("RECSYS_ML100K")
    for name, (config, overrides) in FOLDED.items() if ml100k else ():
        if not any(part in name for part in given.only):
            continue
        files = [f"data={{train: {ml100k}/u{n}.train.csv, test: {ml100k}/u{n}.test.csv}}" for n in FOLDS]
        row(name, [coverage(config, *overrides, file) for file in files])


def coverage(config: str, *overrides: str) -> IntervalCoverage:
    """What `recsys evaluate --interval 0.9` finds of a run that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        recsys.train(load_config(CONFIGS / config, overrides), run)
        bundle = open_bundle(run)
        return coverage_of(bundle, ratings_to_measure(bundle), LEVEL)


def row(name: str, results: list[IntervalCoverage]) -> None:
    """A line of the table: each column is a mean over test ratings."""
    few = [[bucket for bucket in each["by_user"] if bucket["low"] > 0 and bucket["high"] <= FEW] for each in results]
    fifths = [[each["by_width"][fifth] for each in results] for fifth in (0, -1)]
    columns = [spanned(results), pooled([bucket for each in few for bucket in each]), *map(spanned, fifths)]
    print(
        f"| {name} | {' | '.join(columns)} | {np.mean([result['mean_width'] for result in results]):.2f} |", flush=True
    )


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
