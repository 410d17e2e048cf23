"""Small worlds for the tests of implicit ALS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsys.core.types import Float32Array, Indices
from recsys.data.grouped import GroupedView
from recsys.training.ials.fit import Hyperparameters, ImplicitALS
from recsys.training.ials.systems import Systems

PARAMETERS = Hyperparameters(embedding_dim=16, n_epochs=4, unobserved_weight=0.1, regularization=0.05, seed=3)


@dataclass(frozen=True, eq=False)
class World:
    """Interactions, and what their scores should be."""

    user: Indices
    item: Indices
    target: Float32Array
    n_users: int
    n_items: int

    def views(self) -> tuple[GroupedView, GroupedView]:
        """By user and by item."""
        user_counts = np.bincount(self.user, minlength=self.n_users)
        item_counts = np.bincount(self.item, minlength=self.n_items)
        return GroupedView.of(self.user, self.item, user_counts), GroupedView.of(self.item, self.user, item_counts)


def scattered(n_users: int = 60, n_items: int = 45, n: int = 700, seed: int = 5) -> World:
    """Different pairs in no order; the last user and the last item have none, and the first user has every other."""
    random = np.random.default_rng(seed)
    pairs = random.permutation((n_users - 1) * (n_items - 1))[:n]
    pairs = np.union1d(pairs, np.arange(n_items - 1))
    user, item = np.divmod(random.permutation(pairs), n_items - 1)
    target = random.uniform(0.6, 1.4, len(pairs)).astype(np.float32)
    return World(user.astype(np.int32), item.astype(np.int32), target, n_users, n_items)


def blocks(n_blocks: int = 4, users: int = 30, items: int = 25, share: float = 0.3) -> World:
    """Users of a block have `share` of its items, and one popular item of each other block."""
    random = np.random.default_rng(8)
    n_users, n_items = n_blocks * users, n_blocks * items
    block = np.arange(n_users)[:, None] // users == np.arange(n_items) // items
    met = block & (random.random((n_users, n_items)) < share)
    met[:, ::items] = True
    user, item = (idx.astype(np.int32) for idx in np.nonzero(met))
    return World(user, item, np.ones(len(user), np.float32), n_users, n_items)


def als_of(world: World, n_threads: int = 2, **parameters: Any) -> ImplicitALS:
    """Implicit ALS on a world, before its first epoch."""
    users, items = (Systems.of(view, world.target) for view in world.views())
    return ImplicitALS(users, items, replace(PARAMETERS, **parameters), n_threads)


def fitted(world: World, n_threads: int = 2, **parameters: Any) -> ImplicitALS:
    """The same after its last epoch."""
    als = als_of(world, n_threads, **parameters)
    for number in range(1, als.parameters.n_epochs + 1):
        als.epoch(number)
    return als
