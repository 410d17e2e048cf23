"""New users without training: how good their rows are, and how long they take.

    OPENBLAS_NUM_THREADS=1 RECSYS_ML100K=FOLDER python benchmarks/fold_in.py      about a minute

A fifth of the users is left out of training. Half of their ratings is given, and the other half is predicted: by
fold-in, by a model that was trained with the given half too, and by the biases alone. Then times, with one thread in
the numerical library, as `recsys fold-in` has.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import recsys
from learners import model_of, ratings
from measure import command_line
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.loading.load import config_from, load_config
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.inference.fold_in import FixedRows, solve, user_prior
from recsys.inference.recommender import Recommender
from recsys.workflows.fold_in_run import fold_in_run
from synthetic import CACHE, LEVELS, World, synthetic

SMALL = Path(__file__).parent.parent / "configs" / "movielens-small.yaml"
SEEDS = (1, 2, 3)
MODELS: dict[str, tuple[str, ...]] = {
    "dot product, sgd": (),
    "flipped SVD++, sgd": ("model={kind: svdpp}",),
    "flipped SVD++, gibbs": ("model={kind: svdpp}", "training={method: gibbs}"),
}
WORLD = World(n_ratings=5_000_000)
HEADER = "user,item,rating\n"


def main() -> None:
    """Prints both tables as markdown."""
    command_line(__doc__).parse_args()
    ml100k = os.environ.get("RECSYS_ML100K")
    if ml100k:
        print("| ML-100K, users held out | fold-in | trained with them | biases alone | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for name, overrides in MODELS.items():
            rows = [accuracy(read(Path(ml100k)), seed, overrides) for seed in SEEDS]
            for seed, row in zip(SEEDS, rows, strict=True):
                print(f"| {name}, seed {seed} | {row}")
            print(f"| mean | {Errors.mean(rows)}", flush=True)
        print()
    else:
        print("(ML-100K left out: RECSYS_ML100K is not set)\n")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        times(store_of(WORLD, 128, Path(folder)))


@dataclass(frozen=True)
class Errors:
    """Rmse on the hidden half."""

    fold_in: float
    trained: float
    biases: float

    @classmethod
    def mean(cls, rows: Sequence[Errors]) -> Errors:
        """Of several draws."""
        columns = ([vars(row)[name] for row in rows] for name in ("fold_in", "trained", "biases"))
        return cls(*map(statistics.mean, columns))

    def __str__(self) -> str:
        return f"{self.fold_in:.4f} | {self.trained:.4f} | {self.biases:.4f} | {self.fold_in / self.trained:.4f} |"


def read(folder: Path) -> list[str]:
    """All ratings as lines of user, item, rating."""
    files = (folder / "u1.train.csv", folder / "u1.test.csv")
    lines = [line for file in files for line in file.read_text().splitlines()[1:]]
    return [",".join(line.split(",")[:3]) for line in lines]


def accuracy(lines: list[str], seed: int, model: Sequence[str]) -> Errors:
    """One draw of the users that are left out."""
    draw = np.random.default_rng(seed)
    users = sorted({line.split(",")[0] for line in lines})
    left_out = set(draw.permutation(users)[: len(users) // 5].tolist())
    known = [line for line in lines if line.split(",")[0] not in left_out]
    items = {line.split(",")[1] for line in known}
    theirs: dict[str, list[str]] = {user: [] for user in sorted(left_out)}
    for at in draw.permutation(len(lines)).tolist():
        user, item, _ = lines[at].split(",")
        if user in left_out and item in items:
            theirs[user].append(lines[at])
    given = [line for rows in theirs.values() for line in rows[: len(rows) // 2]]
    hidden = [line for rows in theirs.values() for line in rows[len(rows) // 2 :]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {"known": known, "given": given, "hidden": hidden, "all": known + given}
        for part, rows in parts.items():
            (folder / f"{part}.csv").write_text(HEADER + "\n".join(rows) + "\n")
        for part in ("known", "all"):
            overrides = [
                f"data={{ratings: {folder / part}.csv}}",
                "split={valid_fraction: 0, test_fraction: 0}",
                *model,
            ]
            recsys.train(load_config(SMALL, overrides), folder / part)
        fold_in_run(folder / "known", folder / "given.csv", folder / "child")
        child, trained = (recsys.evaluate(folder / run, folder / "hidden.csv") for run in ("child", "all"))
    return Errors(child["rmse"], trained["rmse"], trained["baselines"]["biases"]["rmse"])


def store_of(world: World, dim: int, folder: Path) -> Bundle:
    """A serving folder of an untrained model: the solve takes the same time whatever the factors are."""
    train = ratings(world, synthetic(world).train)
    config = config_from({"data": {"ratings": "unused.csv"}, "model": {"embedding_dim": dim}}, folder)
    write_bundle(
        folder,
        {"rating": ServedScorer("dot_product", model_of(train, dim).scorer())},
        TrainingInputs(Splits(train, None, None)),
        config,
    )
    return open_bundle(folder)


def times(bundle: Bundle) -> None:
    """A visitor's recommendations, and many new users at once."""
    print(f"dim {bundle.factors.embedding_dim}, {len(bundle.users):,} users, {len(bundle.items):,} items\n")
    print("| what | time |\n| --- | --- |")
    draw = np.random.default_rng(0)
    recommender = Recommender(bundle)
    for name, n in (("first visitor, once a process", 10), ("visitor", 10), ("visitor", 100), ("visitor", 1000)):
        items = draw.permutation(len(bundle.items))[:n].tolist()
        spent = []
        for _ in range(1 if "first" in name else 20):
            start = time.perf_counter()
            recommender.recommend_for(items, draw.choice(LEVELS, n).tolist())
            spent.append(time.perf_counter() - start)
        print(f"| {name}, {n:,} ratings | {1e3 * statistics.median(spent):.1f} ms |", flush=True)
    prior = user_prior(bundle)
    for n_users, n in ((100_000, 5), (100_000, 20), (10_000, 100)):
        codes, item_idx = np.repeat(np.arange(n_users), n), draw.integers(len(bundle.items), size=n_users * n)
        rating = draw.normal(3, 1, len(codes))
        start = time.perf_counter()
        solve(prior, bundle.factors.global_mean, FixedRows.items(bundle.factors), codes, item_idx, rating)
        print(f"| {n_users:,} new users, {n} ratings each | {time.perf_counter() - start:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
