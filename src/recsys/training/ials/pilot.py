"""How much regularization and popularity interactions need: pilot fits to most of them, measured on the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from recsys.core.seeding import rng
from recsys.core.threads import one_blas_thread
from recsys.core.types import Arrays, BoolArray, Float32Array, Indices, Int64Array
from recsys.data.grouped import GroupedView
from recsys.scoring.implicit.popularity import popularity
from recsys.scoring.top import masked_top_n
from recsys.training.ials.fit import Hyperparameters, ImplicitALS
from recsys.training.ials.rules import auto_regularization
from recsys.training.ials.systems import Systems

LESS, MORE = (0.7, 0.5, 0.35), (1.4, 2.0)  # times what the rule says
SOME, MUCH = 0.5, 2.0  # weights of popularity that are tried beside 0
LEAST_DIM, N_EPOCHS = 64, 4
N_USERS, SHARE = 2_000, 0.2  # users at most of whom interactions are held out, and how many of theirs
LEAST_HELD_OUT = 200  # with fewer of them, the measure would be noise
PLACES = 10
SCORES = 1 << 22  # at once: 16 MB


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Interactions that are left out of the pilot fits, to measure these on.

    Attributes:
        users: int32, shape (n_users,), whose they are.
        owner: of each interaction, its user's position in `users`, int64, shape (n,).
        item: int32, shape (n,).
        kept: bool, one for each training interaction, by row: those that the pilots are fitted to.
    """

    users: Indices
    owner: Int64Array
    item: Indices
    kept: BoolArray

    @classmethod
    def of(cls, by_user: GroupedView, seed: int) -> HeldOut:
        """SHARE of the interactions, at least one, of each of N_USERS users at most who have two or more."""
        random = rng(seed, "ranking pilot")
        users = random.permutation(np.flatnonzero(by_user.counts > 1))[:N_USERS].astype(np.int32)
        counts = by_user.counts[users]
        first = np.cumsum(counts) - counts
        owner = np.repeat(np.arange(len(users)), counts)
        rank = np.arange(len(owner)) - first[owner]
        shuffled = np.lexsort((random.random(len(owner)), owner))
        picked = shuffled[rank < np.maximum(1, np.rint(SHARE * counts))[owner]]
        places = (by_user.start[users] - first)[owner[picked]] + picked
        kept = np.ones(len(by_user.other_idx), np.bool_)
        kept[places if by_user.sorted_rows is None else by_user.sorted_rows[places]] = False
        return cls(users, owner[picked], by_user.other_idx[places], kept)


@dataclass(frozen=True)
class Chosen:
    """What the pilot fits chose.

    Attributes:
        multiple: by what to multiply `auto_regularization`: one of LESS and MORE, or 1.
        popularity_weight: 0, SOME or MUCH.
    """

    multiple: float
    popularity_weight: float


def choose(
    by_user: GroupedView,
    by_item: GroupedView,
    targets: Float32Array,
    rho: float,
    embedding_dim: int,
    seed: int,
    n_threads: int,
    multiple: float | None = None,
    popularity_weight: float | None = None,
) -> Chosen:
    """The multiple of λ, and then the weight of popularity, with the best ndcg@10 on held-out interactions.

    The rule of λ knows how noisy the matrix is, but not how strong the tastes in it are: weak ones need more
    regularization, many strong ones less. And regularization weakens all directions, the popularity of items too, which
    is known best: the weaker the tastes, the more of it is missed. Some training interactions are held out, and models
    of half the dim with the rule's λ, with 1.4 times that, and then with still more, or with less and less, are fitted
    to the others. They have half the dim since tastes that are more in number than a model has factors look weak to it.

    Args:
        by_user: the training interactions by user.
        by_item: the same by item.
        targets: of each, by row, shape (n,).
        rho: weight of all pairs together, in weights of all interactions.
        embedding_dim: of the model that it is for.
        seed: of what is held out, and of the fits.
        n_threads: at least 1; the result doesn't depend on it.
        multiple, popularity_weight: None: to be chosen.
    Returns:
        What was chosen or given; 1 and 0 where less than LEAST_HELD_OUT interactions would be held out.
    """
    held_out = HeldOut.of(by_user, seed)
    if len(held_out.item) < LEAST_HELD_OUT:
        return Chosen(multiple or 1.0, popularity_weight or 0.0)
    users, items = (Systems.of(view, targets, held_out.kept) for view in (by_user, by_item))
    unobserved = rho * len(users.idx) / (users.n_known * items.n_known)
    regularization = auto_regularization(users.counts, items.counts, unobserved)
    dim = max(LEAST_DIM, embedding_dim // 2)

    @cache
    def factors(multiple: float) -> Arrays:
        parameters = Hyperparameters(dim, N_EPOCHS, unobserved, multiple * regularization, seed)
        als = ImplicitALS(users, items, parameters, n_threads)
        for number in range(1, N_EPOCHS + 1):
            als.epoch(number)
        return als.factors()

    alone = popularity(items.counts, users.n_known, unobserved)

    @cache
    def quality(multiple: float, weight: float) -> float:
        item_bias = np.float32(weight) * alone if weight else None
        return mean_ndcg(factors(multiple), users, held_out, item_bias)

    multiple = multiple or best_multiple(lambda each: quality(each, 0.0))
    if popularity_weight is None:
        popularity_weight = best_weight(partial(quality, multiple))
    return Chosen(multiple, popularity_weight)


def mean_ndcg(factors: Arrays, fitted: Systems, held_out: HeldOut, item_bias: Float32Array | None = None) -> float:
    """Mean over users of ndcg@10 of all items that they have no interaction with among those fitted to."""
    n_items, n_relevant = len(factors["item"]), np.bincount(held_out.owner, minlength=len(held_out.users))
    keys = held_out.owner * n_items + held_out.item
    seen = GroupedView(fitted.start, fitted.idx, None)
    gain = 1 / np.log2(np.arange(PLACES) + 2)
    total, step = 0.0, max(1, SCORES // n_items)
    for begin in range(0, len(held_out.users), step):
        users = held_out.users[begin : begin + step]
        with one_blas_thread():
            scores = factors["user"][users] @ factors["item"].T
        if item_bias is not None:
            scores += item_bias
        best, _ = masked_top_n(scores, PLACES, left_out=seen.pairs(users))
        position = begin + np.arange(len(users))
        hits = np.isin(position[:, None] * n_items + best, keys)
        ideal = np.cumsum(gain)[np.minimum(n_relevant[position], PLACES) - 1]
        total += float((hits @ gain[: hits.shape[1]] / ideal).sum())
    return total / len(held_out.users)


def best_multiple(quality: Callable[[float], float]) -> float:
    """The multiple of the highest quality, which is taken to have one peak."""
    qualities = {multiple: quality(multiple) for multiple in (1.0, MORE[0])}
    best = max(qualities, key=lambda multiple: qualities[multiple])
    for multiple in MORE[1:] if best > 1 else LESS:
        qualities[multiple] = quality(multiple)
        if qualities[multiple] <= qualities[best]:
            break
        best = multiple
    return best


def best_weight(quality: Callable[[float], float]) -> float:
    """0 unless MUCH is better than that; then SOME or MUCH, by quality.

    Pilots, which have seen less, overrate a little popularity, and by chance too; they do not overrate much of it.
    """
    if quality(MUCH) <= quality(0.0):
        return 0.0
    return max((SOME, MUCH), key=quality)
