"""Recommendations of recsys against those of others, by one protocol: `python benchmarks/ranking.py`.

    python benchmarks/ranking.py                       movielens-small, and ML-100K where RECSYS_ML100K names its folder
    python benchmarks/ranking.py --sparse              planted tastes, many items, few interactions a user
    python benchmarks/ranking.py --only EASE recsys    some of them

A random fifth of each user's interactions is test; all else is measured in ranking_protocol.py. What has settings is
tuned on a fifth of the training part, for each seed anew; recsys is as it comes. Means over the seeds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure import PeerError, command_line
from rankers import Ranker, rankers
from ranking_datasets import SHAPES, planted_tastes
from ranking_protocol import Figures, Pairs, measure, split, tuned
from recsys.config.loading.load import config_from
from recsys.core.communicator import ALONE
from recsys.data.read import read_ratings
from synthetic_datasets import SMALL

SEEDS = (1, 2, 3)
OF_SPARSE = ("recsys", "most popular", "EASE")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--sparse", action="store_true", help="planted tastes in place of MovieLens")
    parser.add_argument("--data", nargs="+", default=[""], help="data sets whose name has one of these in it")
    parser.add_argument("--only", nargs="+", help="names of what to compare")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    given = parser.parse_args()
    names = given.only or (OF_SPARSE if given.sparse else [ranker.name for ranker in rankers()])
    for name, make in (sparse() if given.sparse else real()).items():
        if any(part in name for part in given.data):
            table(name, make, [ranker for ranker in rankers() if ranker.name in names], given.seeds)


def real() -> dict[str, Callable[[int], Pairs]]:
    """Data sets that people made, the same for each seed."""
    files = {"movielens-small": {"ratings": str(SMALL)}}
    folder = os.environ.get("RECSYS_ML100K")
    if folder:
        files["ML-100K"] = {part: str(Path(folder) / f"u1.{part}.csv") for part in ("train", "test")}
    return {name: lambda _, data=data: pairs_of(data) for name, data in files.items()}  # type: ignore[misc]


def sparse() -> dict[str, Callable[[int], Pairs]]:
    """Planted tastes, another draw for each seed."""
    return {name: partial(planted_tastes, shape) for name, shape in SHAPES.items()}


def pairs_of(data: dict[str, str]) -> Pairs:
    """All interactions of a file, or of a fold's train and test together."""
    ratings = read_ratings(config_from({"data": data}, Path()).data, ALONE).ratings
    return Pairs(ratings.user_idx, ratings.item_idx, ratings.rating, len(ratings.users), len(ratings.items))


def table(name: str, make: Callable[[int], Pairs], compared: list[Ranker], seeds: list[int]) -> None:
    """Prints a table as markdown, each line as soon as it is known."""
    worlds = {seed: make(seed) for seed in seeds}
    shape = next(iter(worlds.values()))
    print(f"\n{name}: {len(shape.user):,} interactions of {shape.n_users:,} users and {shape.n_items:,} items")
    print("| | ndcg@10 any | like | recall@20 | chosen |\n| --- | --- | --- | --- | --- |", flush=True)
    for ranker in compared:
        figures, chosen = [], []
        for seed, pairs in worlds.items():
            train, test = split(pairs, seed)
            try:
                setting, scores = tuned(ranker.fit, ranker.settings, train, seed)
            except PeerError as error:
                print(f"| {ranker.name} | {error} | | | |", flush=True)
                break
            figures.append(measure(scores, train, test))
            chosen.append("–" if setting is None else str(setting))
        else:
            mean = Figures.mean(figures)
            settings = "; ".join(dict.fromkeys(chosen))
            print(f"| {ranker.name} | {mean.any:.3f} | {mean.like:.3f} | {mean.recall:.3f} | {settings} |", flush=True)


if __name__ == "__main__":
    main()
