from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.core.types import Array, Arrays
from recsys.training.ials import rows, systems
from recsys.training.ials.fit import ImplicitALS

from .worlds import World, als_of, blocks, fitted, scattered


def bits(als: ImplicitALS) -> dict[str, bytes]:
    return {role: factors.tobytes() for role, factors in als.factors().items()}


def loss(world: World, als: ImplicitALS) -> float:
    """The stated sum, in float64."""
    w, h = (als.factors()[role].astype(np.float64) for role in ("user", "item"))
    scores, p = w @ h.T, als.parameters
    errors = world.target - scores[world.user, world.item]
    penalty = 0.0
    for own, idx, other_idx in ((w, world.user, world.item), (h, world.item, world.user)):
        n_other = len(np.unique(other_idx))
        counts = np.bincount(idx, minlength=len(own))
        penalty += float((counts + p.unobserved_weight * n_other) @ (own**2).sum(axis=1))
    return float(errors @ errors + p.unobserved_weight * (scores**2).sum() + p.regularization * penalty)


def test_every_epoch_lowers_the_loss() -> None:
    world = scattered()
    als = als_of(world, n_epochs=6)
    losses = [loss(world, als)]
    for number in range(1, 7):
        als.epoch(number)
        losses.append(loss(world, als))
    assert losses == sorted(losses, reverse=True)


def test_no_small_change_lowers_the_loss_after_many_epochs() -> None:
    world = scattered()
    als = fitted(world, n_epochs=300, embedding_dim=4)
    least, random = loss(world, als), np.random.default_rng(2)
    for _ in range(20):
        changed = als_of(world, embedding_dim=4)
        changed.restore(
            {role: each + random.normal(0, 0.01, each.shape).astype(np.float32) for role, each in als.factors().items()}
        )
        assert loss(world, changed) > least


def test_one_two_and_four_threads_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "RANGE", 200)
    monkeypatch.setattr(rows, "GRAMIAN_ROWS", 16)
    states = [bits(fitted(scattered(), n_threads, embedding_dim=33)) for n_threads in (1, 2, 4)]
    assert states[0] == states[1] == states[2]


def test_a_fit_that_was_interrupted_ends_with_the_same_bytes() -> None:
    world = scattered()
    whole = bits(fitted(world, embedding_dim=20))
    for n_done in range(1, 4):
        first = als_of(world, embedding_dim=20)
        for number in range(1, n_done + 1):
            first.epoch(number)
        rest = als_of(world, embedding_dim=20, seed=99)
        rest.restore(first.factors())
        for number in range(n_done + 1, 5):
            rest.epoch(number)
        assert bits(rest) == whole


def test_seeds_begin_elsewhere_and_users_and_items_too() -> None:
    first, same, other = (als_of(scattered(), seed=seed).factors() for seed in (1, 1, 2))
    assert all(np.array_equal(first[role], same[role]) for role in first)
    assert not np.array_equal(first["user"], other["user"])
    assert not np.array_equal(first["user"][:40], first["item"][:40])


def test_users_and_items_without_interactions_have_zeros() -> None:
    factors = fitted(scattered()).factors()
    for each in factors.values():
        assert not each[-1].any()
        assert each[:-1].any(axis=1).all()


def test_users_and_items_without_interactions_change_no_other() -> None:
    world = scattered()
    more = fitted(replace(world, n_users=world.n_users + 9, n_items=world.n_items + 9), n_epochs=1)
    more.restore({role: np.pad(each, ((0, 9), (0, 0))) for role, each in als_of(world).factors().items()})
    more.epoch(1)
    fewer = fitted(world, n_epochs=1).factors()
    for role, rows_of_role in more.factors().items():
        np.testing.assert_array_equal(rows_of_role[:-9], fewer[role])


def test_numbers_that_are_not_finite_are_noticed() -> None:
    als = fitted(scattered())
    assert als.is_finite()
    als.restore({role: np.where(each > 0.1, np.float32("nan"), each) for role, each in als.factors().items()})
    assert not als.is_finite()


def share_of_own_block(scores: Array, world: World) -> float:
    """Of each user's five best items among those not met, how many are of the user's block."""
    scores = scores.astype(np.float64)
    scores[world.user, world.item] = -np.inf
    best = np.argsort(-scores, axis=1)[:, :5]
    own = np.arange(world.n_users)[:, None] * 4 // world.n_users
    return float((best * 4 // world.n_items == own).mean())


@pytest.mark.parametrize("dim", [8, 40])
def test_planted_blocks_are_recovered_which_popularity_does_not(dim: int) -> None:
    world = blocks()
    factors: Arrays = fitted(world, n_epochs=8, embedding_dim=dim).factors()
    popular = np.tile(np.bincount(world.item, minlength=world.n_items), (world.n_users, 1))
    assert share_of_own_block(popular, world) < 0.5
    assert share_of_own_block(factors["user"] @ factors["item"].T, world) > 0.99
