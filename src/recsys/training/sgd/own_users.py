"""A dot product on several ranks, with each of which some of the users stay: who predicts what, and what is common.

Ratings of a user are predicted by the rank that has the user. Those of unknown users are predicted from the mean of
all, which takes the sums of each rank in turn: added up in the order of users, as in one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from recsys.core.collectives import gather_on_first, number_of_each
from recsys.core.communicator import Communicator
from recsys.core.types import Array, BoolArray, Float32Array, Float64Array, Indices, Times
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.fallback import followed_by, learned_rows
from recsys.training.sgd.ring import Ring

ADDED = 1 << 13  # rows at a time, in float64: they stay in a cache
SUM_TAG = 1  # of messages


@dataclass(frozen=True, eq=False)
class OwnUsers:
    """The scorer of one rank.

    Attributes:
        factors: of the users of this rank, and of all items.
        rank: this one.
        first: the user at which those of each rank begin, and the end, shape (size + 1,).
    """

    factors: Factors
    rank: int
    first: Array

    def is_with(self, rank: int, user_idx: Indices) -> BoolArray:
        """Whether a rank has each user; unknown ones are with rank 0."""
        start = self.first[rank] if rank else -1
        is_with: BoolArray = (user_idx >= start) & (user_idx < self.first[rank + 1])
        return is_with

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings of pairs with users of this rank, as of Factors."""
        own = np.where(user_idx < 0, -1, user_idx - self.first[self.rank]).astype(np.int32)
        return self.factors.rate(own, item_idx, timestamp)


def own_users(model: DotProductArrays, ring: Ring, communicator: Communicator) -> OwnUsers:
    """The scorer of the model as it stands; all ranks call this."""
    ring.gather_items()
    fallback = partial(with_fallback_of_all, communicator=communicator)
    return OwnUsers(model.scorer(ring.own_users, fallback), communicator.rank, ring.first_users)


def with_fallback_of_all(rows: Float32Array, has_ratings: BoolArray, communicator: Communicator) -> Float32Array:
    """The rows of this rank as of `with_fallback`, where the mean is that of the rows of all ranks, in their order."""
    learned = learned_rows(rows, has_ratings)
    if rows.ndim == 1:  # NumPy adds up pairs of pairs
        whole = gather_on_first(learned, communicator)
        means = np.zeros(1) if whole is None else np.concatenate(whole).mean(axis=0, dtype=np.float64, keepdims=True)
        mean = communicator.all_gather(means)[0]
    else:
        n_rows = sum(number_of_each(len(learned), communicator))
        mean = communicator.all_gather(_sum_up_to(learned, communicator))[-1] / n_rows
    return followed_by(mean.astype(np.float32), rows, has_ratings)


def _sum_up_to(rows: Float32Array, communicator: Communicator) -> Float64Array:
    """The sum of all rows of the ranks up to this one, one after the other, float64, shape (1, dim)."""
    rank, total = communicator.rank, np.zeros((1, rows.shape[1]))
    if rank:
        communicator.recv(total, rank - 1, SUM_TAG).wait()
    for start in range(0, len(rows), ADDED):
        total = np.concatenate([total, rows[start : start + ADDED]]).sum(axis=0, keepdims=True)
    if rank + 1 < communicator.size:
        communicator.send(total, rank + 1, SUM_TAG).wait()
    return total
