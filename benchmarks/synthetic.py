"""Ratings with a planted model and a known noise floor, as arrays, CSV and libmf's text.

    python benchmarks/synthetic.py --n-ratings 20000000      writes under benchmarks/.cache/ and prints the floor

rating = 3 + user_bias + item_bias + user · item + noise, rounded to half stars and clipped to 0.5–5. Items are
chosen by a Zipf law, users are active by a log-normal one, and nobody rates an item twice.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from recsys.core.types import Array

CACHE = Path(__file__).parent / ".cache"
LEVELS = np.arange(0.5, 5.01, 0.5)
NOISE = 0.7


@dataclass(frozen=True)
class World:
    """What to make. `dim`: planted factors. One twentieth of the ratings is the test part."""

    n_ratings: int = 20_000_000
    n_users: int = 138_000
    n_items: int = 27_000
    dim: int = 16
    seed: int = 0

    @property
    def folder(self) -> Path:
        return CACHE / "-".join(f"{key}{value}" for key, value in asdict(self).items())


def dense_world(n_ratings: int) -> World:
    """A world about as dense as MovieLens at that size: 138,000 × 27,000 with 20M ratings, 6,900 × 3,664 with 1M."""
    share = n_ratings / World.n_ratings
    return World(n_ratings, round(World.n_users * share), round(World.n_items * share ** (2 / 3)))


@dataclass(frozen=True, eq=False)
class Part:
    """Columns user (int32), item (int32), rating (float32), all of one length."""

    user: Array
    item: Array
    rating: Array


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Both parts, and the test rmse of whoever knows the planted parameters (`floor`)."""

    train: Part
    test: Part
    floor: float


def synthetic(world: World) -> Synthetic:
    """The ratings of `world`; made once, then read from the cache."""
    world.folder.mkdir(parents=True, exist_ok=True)
    saved = world.folder / "arrays.npz"
    if not saved.exists():
        made = generate(world)
        parts = {"train": made.train, "test": made.test}
        arrays = {f"{name}_{key}": value for name, part in parts.items() for key, value in vars(part).items()}
        with saved.with_suffix(".tmp").open("wb") as file:
            np.savez(file, floor=made.floor, **arrays)
        saved.with_suffix(".tmp").rename(saved)
    with np.load(saved) as arrays:
        train, test = (
            Part(*(arrays[f"{name}_{key}"] for key in ("user", "item", "rating"))) for name in ("train", "test")
        )
        return Synthetic(train, test, float(arrays["floor"]))


def text_files(world: World) -> Path:
    """The folder with train.csv, test.csv (header user,item,rating) and train.txt, test.txt (libmf's format)."""
    import pyarrow as pa
    import pyarrow.csv as csv

    if not (world.folder / "test.txt").exists():
        data = synthetic(world)
        for name, part in (("train", data.train), ("test", data.test)):
            table = pa.table(vars(part))
            csv.write_csv(table, world.folder / f"{name}.csv", csv.WriteOptions(quoting_style="none"))
            bare = csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
            csv.write_csv(table, world.folder / f"{name}.txt", bare)
    return world.folder


def generate(world: World) -> Synthetic:
    """Draw the world; the same seed gives the same ratings."""
    random = np.random.default_rng(world.seed)
    user, item = _pairs(world, random)
    user_bias = random.normal(0, 0.4, world.n_users).astype(np.float32)
    item_bias = random.normal(0, 0.4, world.n_items).astype(np.float32)
    scale = math.sqrt(0.6) / world.dim**0.25  # the interaction has a standard deviation of 0.6
    user_factors = random.normal(0, scale, (world.n_users, world.dim)).astype(np.float32)
    item_factors = random.normal(0, scale, (world.n_items, world.dim)).astype(np.float32)
    mean = np.empty(world.n_ratings, np.float32)
    for start in range(0, world.n_ratings, 1 << 20):
        u, i = user[start : start + (1 << 20)], item[start : start + (1 << 20)]
        interaction = np.einsum("nd,nd->n", user_factors[u], item_factors[i])
        mean[start : start + (1 << 20)] = 3 + user_bias[u] + item_bias[i] + interaction
    noisy = mean + NOISE * random.standard_normal(world.n_ratings, dtype=np.float32)
    rating = np.clip(np.round(2 * noisy) / 2, LEVELS[0], LEVELS[-1]).astype(np.float32)
    n_test = world.n_ratings // 20
    test = Part(user[:n_test], item[:n_test], rating[:n_test])
    return Synthetic(Part(user[n_test:], item[n_test:], rating[n_test:]), test, _floor(mean[:n_test]))


def _pairs(world: World, random: np.random.Generator) -> tuple[Array, Array]:
    """n_ratings different (user, item) pairs in random order."""
    users = _table(random.lognormal(0, 1.2, world.n_users))
    items = _table(random.permutation((np.arange(world.n_items) + 20.0) ** -0.9))
    pairs = np.empty(0, np.int64)
    while len(pairs) < world.n_ratings:
        missing = int(1.1 * (world.n_ratings - len(pairs))) + 1000
        user = users[random.integers(0, len(users), missing)]
        item = items[random.integers(0, len(items), missing)]
        drawn = np.concatenate([pairs, user * np.int64(world.n_items) + item])
        drawn.sort()
        pairs = drawn[np.flatnonzero(np.diff(drawn, prepend=-1))]
    random.shuffle(pairs)
    user, item = np.divmod(pairs[: world.n_ratings], world.n_items)
    return user.astype(np.int32), item.astype(np.int32)


def _table(weights: Array) -> Array:
    """2²² entries in which each index stands in proportion to its weight: one gather draws from it."""
    edges = np.round(np.cumsum(weights) / weights.sum() * (1 << 22)).astype(np.int64)
    return np.repeat(np.arange(len(weights), dtype=np.int32), np.diff(edges, prepend=0))


def _floor(mean: Array) -> float:
    """The rmse of the conditional mean of the rounded and clipped rating, given its planted mean."""
    grid = np.linspace(mean.min(), mean.max(), 4001)
    edges = (LEVELS[:-1] + LEVELS[1:]) / 2
    below = np.array([[0.5 * math.erfc((m - edge) / NOISE / math.sqrt(2)) for edge in edges] for m in grid])
    share = np.diff(below, prepend=0, append=1)
    variance = share @ LEVELS**2 - (share @ LEVELS) ** 2
    return math.sqrt(float(np.interp(mean, grid, variance).mean()))


def world_from(arguments: list[str] | None = None) -> World:
    """The world that a command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for key, value in asdict(World()).items():
        parser.add_argument(f"--{key.replace('_', '-')}", type=int, default=value)
    return World(**vars(parser.parse_args(arguments)))


def main() -> None:
    world = world_from()
    begin = time.perf_counter()
    data = synthetic(world)
    made = time.perf_counter()
    folder = text_files(world)
    print(f"{len(data.train.rating):,} train and {len(data.test.rating):,} test ratings in {folder}")
    print(f"noise floor {data.floor:.4f}, standard deviation {data.test.rating.std():.4f}")
    print(f"arrays {made - begin:.1f} s, text {time.perf_counter() - made:.1f} s")


if __name__ == "__main__":
    main()
