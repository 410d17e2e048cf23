"""Interactions from planted tastes: many items, few interactions a user, popularity with a heavy tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ranking_protocol import Pairs
from recsys.core.types import Array

BLOCK = 500  # users who choose at a time
LEAST = 10  # interactions that each user has


@dataclass(frozen=True)
class Shape:
    """What to make. A user chooses different items, with probabilities in proportion to popularity · exp(taste).

    Attributes:
        kind: how tastes are made, see `TASTES`.
        dim: factors, clusters or topics.
        strength: what tastes are multiplied by.
        mean: interactions of a user, about; their number is log-normal.
        tail: popularity of the r-th item is (r + flat)^−tail.
        rated: share of interactions with a rating, from 1 to 5; the others are clicks.
    """

    kind: str
    dim: int
    strength: float
    n_users: int = 3_000
    n_items: int = 10_000
    mean: int = 30
    tail: float = 0.9
    flat: int = 20
    rated: float = 0.5


SHAPES = {
    "16 factors": Shape("factors", 16, 3.0),
    "16 factors, popularity steep": Shape("factors", 16, 3.0, tail=1.3, flat=30),
    "16 factors, popularity flat": Shape("factors", 16, 3.0, tail=0.5, flat=100),
    "64 factors": Shape("factors", 64, 3.0),
    "200 clusters": Shape("clusters", 200, 2.0),
    "1,000 clusters, 20,000 items": Shape("clusters", 1_000, 2.5, n_items=20_000, mean=40),
    "50 topics": Shape("topics", 50, 1.5),
    "200 topics, 15,000 items": Shape("topics", 200, 2.0, n_items=15_000, mean=20),
    "100 topics, 15,000 users": Shape("topics", 100, 1.5, n_users=15_000, n_items=10_000, mean=35),
    "weak tastes": Shape("factors", 64, 1.0),
}


def planted_tastes(shape: Shape, seed: int) -> Pairs:
    """The interactions of a seed; items that nobody chose are left out."""
    random = np.random.default_rng(seed)
    popularity = -shape.tail * np.log(random.permutation(shape.n_items) + shape.flat)
    taste = TASTES[shape.kind](shape, random)
    spread = 0.8
    counts = np.rint(random.lognormal(np.log(shape.mean) - spread**2 / 2, spread, shape.n_users))
    counts = np.clip(counts, LEAST, shape.n_items // 10).astype(np.int64)
    users, items, tastes = [], [], []
    for begin in range(0, shape.n_users, BLOCK):
        some = np.arange(begin, min(begin + BLOCK, shape.n_users))
        of_some = taste(some)
        keys = popularity + shape.strength * of_some + random.gumbel(size=of_some.shape)
        best = np.argsort(-keys, axis=1)[:, : counts[some].max()]
        chosen = np.arange(best.shape[1]) < counts[some][:, None]
        row, item = np.nonzero(chosen)[0], best[chosen]
        users.append(some[row])
        items.append(item)
        tastes.append(of_some[row, item])
    user, item = np.concatenate(users), np.concatenate(items)
    known, item = np.unique(item, return_inverse=True)
    rating = _ratings(user, item, np.concatenate(tastes), shape.rated, random)
    return Pairs(user.astype(np.int32), item.astype(np.int32), rating, shape.n_users, len(known))


def _ratings(user: Array, item: Array, taste: Array, share: float, random: np.random.Generator) -> Array:
    bias = random.normal(0, 0.4, user.max() + 1)[user] + random.normal(0, 0.5, item.max() + 1)[item]
    liking = 0.6 * (taste - taste.mean()) / taste.std()
    rating = np.clip(np.rint(3.6 + liking + bias + random.normal(0, 0.8, len(user))), 1, 5)
    return np.where(random.random(len(user)) < share, rating, np.nan).astype(np.float32)


def _factors(shape: Shape, random: np.random.Generator) -> Callable[[Array], Array]:
    """Products of normal factors, of variance 1."""
    user, item = (random.normal(size=(n, shape.dim)) for n in (shape.n_users, shape.n_items))
    return lambda users: user[users] @ item.T / np.sqrt(shape.dim)


def _clusters(shape: Shape, random: np.random.Generator) -> Callable[[Array], Array]:
    """Each item is in one cluster, each user likes four; within clusters, a little of four normal factors."""
    weight = (np.arange(shape.dim) + 5.0) ** -0.7
    weight /= weight.sum()
    cluster = random.choice(shape.dim, shape.n_items, p=weight)
    liked = np.zeros((shape.n_users, shape.dim))
    for _ in range(4):
        liked[np.arange(shape.n_users), random.choice(shape.dim, shape.n_users, p=weight)] += random.uniform(1, 2)
    within = _factors(Shape("factors", 4, 1.0, shape.n_users, shape.n_items), random)
    return lambda users: liked[users][:, cluster] + 0.3 * within(users)


def _topics(shape: Shape, random: np.random.Generator) -> Callable[[Array], Array]:
    """log of the product of shares in topics, of which each user and item has a few."""
    user, item = (random.gamma(2 / shape.dim, 1, (n, shape.dim)) + 1e-9 for n in (shape.n_users, shape.n_items))
    user, item = (each / each.sum(axis=1, keepdims=True) for each in (user, item))
    return lambda users: np.log(user[users] @ item.T + 0.003)


TASTES = {"factors": _factors, "clusters": _clusters, "topics": _topics}
