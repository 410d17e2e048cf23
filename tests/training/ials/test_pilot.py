from __future__ import annotations

import math

import numpy as np
import pytest

from recsys.core.types import Arrays, Float32Array
from recsys.data.grouped import GroupedView
from recsys.training.ials import pilot
from recsys.training.ials.pilot import MUCH, SOME, Chosen, HeldOut, best_multiple, best_weight, choose, mean_ndcg
from recsys.training.ials.systems import Systems

from .worlds import World, blocks, scattered


def multiple_of(world: World, n_threads: int = 2, embedding_dim: int = 32) -> float:
    return choose(*world.views(), world.target, 8.0, embedding_dim, 3, n_threads).multiple


def test_a_fifth_of_the_interactions_of_each_user_is_held_out() -> None:
    world = scattered()
    held_out = HeldOut.of(world.views()[0], 1)
    counts = np.bincount(world.user, minlength=world.n_users)
    user = held_out.users[held_out.owner]
    np.testing.assert_array_equal(np.sort(held_out.users), np.flatnonzero(counts > 1))
    np.testing.assert_array_equal(np.bincount(user, minlength=world.n_users), np.rint(0.2 * counts))
    left_out = ~held_out.kept
    pairs = set(zip(world.user[left_out].tolist(), world.item[left_out].tolist(), strict=True))
    assert pairs == set(zip(user.tolist(), held_out.item.tolist(), strict=True))
    assert len(pairs) == left_out.sum()


def test_rows_in_the_order_of_users_and_shuffled_ones_hold_out_as_much() -> None:
    world = scattered()
    order = np.argsort(world.user, kind="stable")
    views = GroupedView.of(world.user[order], world.item[order], np.bincount(world.user, minlength=world.n_users))
    assert views.sorted_rows is None
    held_out = HeldOut.of(views, 1)
    left_out = order[~held_out.kept]
    pairs = set(zip(world.user[left_out].tolist(), world.item[left_out].tolist(), strict=True))
    assert pairs == set(zip(held_out.users[held_out.owner].tolist(), held_out.item.tolist(), strict=True))


def test_of_many_users_some_are_held_out_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "N_USERS", 7)
    held_out = HeldOut.of(scattered().views()[0], 1)
    assert len(held_out.users) == 7
    assert set(held_out.owner.tolist()) == set(range(7))


def one_list(scores: list[float], seen: list[int], wanted: list[int]) -> float:
    item: Float32Array = np.array(scores, np.float32)[:, None]
    idx = np.array(seen, np.int32)
    fitted = Systems(np.array([0, len(seen)]), idx, np.ones(len(seen), np.float32), np.array([0, 1]))
    held_out = HeldOut(
        np.zeros(1, np.int32), np.zeros(len(wanted), np.int64), np.array(wanted, np.int32), np.ones(0, np.bool_)
    )
    return mean_ndcg({"user": np.ones((1, 1), np.float32), "item": item}, fitted, held_out)


def test_ndcg_discounts_by_rank_among_items_that_are_not_fitted_to() -> None:
    assert one_list([3, 2, 1], [], [0]) == pytest.approx(1)
    assert one_list([3, 2, 1], [0], [1, 2]) == pytest.approx(1)
    assert one_list([3, 2, 1], [], [1]) == pytest.approx(1 / np.log2(3))
    assert one_list([3, 2, 1], [], [0, 2]) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))
    assert one_list(list(range(20, 0, -1)), [], [11]) == 0


def test_blocks_of_users_give_the_same_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    world = blocks()
    held_out = HeldOut.of(world.views()[0], 1)
    fitted = Systems.of(world.views()[0], world.target, held_out.kept)
    random = np.random.default_rng(4)
    factors = {
        role: random.normal(size=(n, 3)).astype(np.float32)
        for role, n in (("user", world.n_users), ("item", world.n_items))
    }
    whole = mean_ndcg(factors, fitted, held_out)
    monkeypatch.setattr(pilot, "SCORES", 700)
    assert mean_ndcg(factors, fitted, held_out) == pytest.approx(whole)


def no_taste() -> World:
    """Users choose by popularity alone."""
    random = np.random.default_rng(2)
    n_users, n_items = 400, 120
    popularity = 1 / (np.arange(n_items) + 3)
    user, item = np.nonzero(random.random((n_users, n_items)) < 0.9 * popularity / popularity[0])
    return World(user.astype(np.int32), item.astype(np.int32), np.ones(len(user), np.float32), n_users, n_items)


def test_weak_tastes_get_more_regularization_than_many_strong_ones() -> None:
    assert multiple_of(no_taste()) > 1
    assert multiple_of(blocks(n_blocks=40, users=12, items=10, share=0.5)) < 1


def test_popularity_counts_where_there_are_no_tastes() -> None:
    world, strong = no_taste(), blocks(share=0.6)
    assert choose(*world.views(), world.target, 8.0, 32, 3, 2).popularity_weight > 0
    assert choose(*strong.views(), strong.target, 8.0, 32, 3, 2).popularity_weight == 0


@pytest.mark.parametrize(
    ("qualities", "best"), [((3, 4, 2), 0), ((3, 4, 3), 0), ((3, 5, 4), SOME), ((3, 2, 4), MUCH), ((3, 4, 5), MUCH)]
)
def test_popularity_has_to_be_better_where_there_is_much_of_it(
    qualities: tuple[float, float, float], best: float
) -> None:
    assert best_weight(lambda weight: dict(zip((0.0, SOME, MUCH), qualities, strict=True))[weight]) == best


def test_what_is_given_is_not_chosen() -> None:
    world = blocks()
    assert choose(*world.views(), world.target, 8.0, 32, 3, 2, 1.7, 0.3) == Chosen(1.7, 0.3)


@pytest.mark.parametrize(("peak", "n_tried"), [(0.35, 5), (0.5, 5), (0.7, 4), (1, 3), (1.4, 3), (2, 3)])
def test_the_search_ends_at_the_peak(peak: float, n_tried: int) -> None:
    tried = []

    def quality(multiple: float) -> float:
        tried.append(multiple)
        return -abs(math.log(multiple / peak))

    assert best_multiple(quality) == peak
    assert len(tried) == n_tried


@pytest.mark.parametrize(("embedding_dim", "of_pilots"), [(32, 64), (200, 100)])
def test_pilots_have_half_the_dim(embedding_dim: int, of_pilots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dims = []

    def quality(factors: Arrays, *_: object) -> float:
        dims.append(factors["item"].shape[1])
        return 0.0

    monkeypatch.setattr(pilot, "mean_ndcg", quality)
    assert multiple_of(blocks(), embedding_dim=embedding_dim) == 1
    assert dims == [of_pilots] * 4  # three multiples without popularity, and the best of them with it


def test_threads_do_not_change_the_choice() -> None:
    assert len({multiple_of(blocks(users=60), n_threads) for n_threads in (1, 2, 4)}) == 1


def test_few_interactions_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "ImplicitALS", None)
    assert multiple_of(scattered(n=300)) == 1
