"""Test rmse of sgd with the strata in the order of a tree, against the cyclic order of earlier versions.

Example: python benchmarks/strata_order.py   (with the folder of ML-100K in RECSYS_ML100K)
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import mean, stdev
from unittest.mock import patch

import numpy as np

from learners import ratings
from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.data.split import Splits
from recsys.training.sgd import blocks, dot_product
from synthetic import World, dense_world, synthetic
from synthetic_datasets import fitted, synthetic_datasets

DENSE, SPARSE = dense_world(1_000_000), World(n_ratings=3_000_000)


def main() -> None:
    """Prints a line for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="fits of each order on the small sets [10]")
    n_seeds = parser.parse_args().seeds
    named = synthetic_datasets()
    sets: dict[str, tuple[Callable[[int], Splits], int, int]] = {
        name: (named[name].make, 64, n_seeds) for name in ("movielens-small", "ML-100K") if name in named
    }
    sets["synthetic, dense, 1M ratings"] = (partial(_made, DENSE), 64, 3)
    for dim in (16, 32, 64, 128):
        sets[f"synthetic, sparse, 3M ratings, dim {dim}"] = (partial(_made, SPARSE), dim, 4)
    for name, (make, dim, seeds) in sets.items():
        compare(name, make, dim, seeds)


def compare(name: str, make: Callable[[int], Splits], dim: int, n_seeds: int) -> None:
    """Prints the mean rmse of both orders, and the mean of their differences with its standard error."""
    rmse: dict[str, list[float]] = {"cyclic": [], "tree": []}
    for seed in range(n_seeds):
        splits = make(seed)
        assert splits.test is not None
        rmse["tree"].append(_rmse(splits, dim, seed))
        with cyclic_order():
            rmse["cyclic"].append(_rmse(splits, dim, seed))
    differences = np.subtract(rmse["tree"], rmse["cyclic"]).tolist()
    error = stdev(differences) / math.sqrt(n_seeds)
    print(
        f"{name}, {n_seeds} seeds: cyclic {mean(rmse['cyclic']):.5f}, tree {mean(rmse['tree']):.5f},"
        f" difference {mean(differences):+.5f} ± {error:.5f}",
        flush=True,
    )


@contextmanager
def cyclic_order() -> Iterator[None]:
    """Within this, sgd has the ranges and the order of strata of earlier versions."""

    def strata(n_side: int, seed: int, epoch: int) -> Array:
        random = rng(seed, "strata", epoch)
        columns = random.permutation(n_side)
        order: Array = (columns + random.permutation(n_side)[:, np.newaxis]) % n_side
        return order

    def n_side(n_ratings: int, n_users: int, n_items: int, dim: int) -> int:
        by_ratings = round(math.sqrt(n_ratings / blocks.BLOCK_RATINGS))
        by_bytes = math.ceil(min(n_users, n_items) * dim * 4 / blocks.BLOCK_BYTES)
        return max(1, min(max(by_ratings, by_bytes, blocks.MIN_SIDE), blocks.MAX_SIDE, n_users, n_items))

    with patch.object(dot_product, "tree_strata", strata), patch.object(dot_product, "choose_n_side", n_side):
        yield


def _rmse(splits: Splits, dim: int, seed: int) -> float:
    assert splits.test is not None
    model = {"kind": "dot_product", "embedding_dim": dim}
    return fitted(splits, splits.test, model, {"method": "sgd"}, seed)


def _made(world: World, _: int) -> Splits:
    made = synthetic(world)
    return Splits(ratings(world, made.train), None, ratings(world, made.test))


if __name__ == "__main__":
    main()
