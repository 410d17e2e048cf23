from __future__ import annotations

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.training.loop import fit
from recsys.training.sgd.damping import DAMPING, HIGHEST, LOWEST, Damped, credible_damping

from .worlds import learner_of


def rated(n_users: int, n_items: int, n: int, *, user: float, item: float, noise: float = 1.0) -> Interactions:
    """Ratings of different pairs, from biases and noise of these standard deviations, around 3."""
    random = np.random.default_rng(11)
    pairs = random.choice(n_users * n_items, n, replace=False)
    user_idx, item_idx = np.divmod(pairs, n_items)
    rating = 3 + random.normal(0, user, n_users)[user_idx] + random.normal(0, item, n_items)[item_idx]
    return Interactions(
        user_idx.astype(np.int32),
        item_idx.astype(np.int32),
        (rating + random.normal(0, noise, n)).astype(np.float32),
        None,
        Vocabulary(np.arange(n_users)),
        Vocabulary(np.arange(n_items)),
    )


@pytest.mark.parametrize(("user", "item"), [(0.5, 0.4), (0.3, 0.6)])
@pytest.mark.parametrize(
    ("n_users", "n_items", "n"),
    [
        (3_000, 2_000, 20_000),
        (1_500, 1_000, 100_000),
        pytest.param(5_000, 3_000, 600_000, marks=pytest.mark.slow),
    ],
)
def test_damping_is_the_noise_over_what_users_and_items_differ_by(
    user: float, item: float, n_users: int, n_items: int, n: int
) -> None:
    damping = credible_damping(rated(n_users, n_items, n, user=user, item=item))
    assert damping == pytest.approx((1 / user**2, 1 / item**2), rel=0.15)


def test_the_unit_of_the_ratings_does_not_matter() -> None:
    train = rated(300, 200, 4_000, user=0.5, item=0.4)
    large = Interactions(train.user_idx, train.item_idx, 20 * train.rating - 7, None, train.users, train.items)
    assert credible_damping(large) == pytest.approx(credible_damping(train), rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "damping"),
    [
        ({"user": 3.0, "item": 0.0}, (LOWEST, HIGHEST)),
        ({"user": 0.0, "item": 0.0, "noise": 0.0}, (HIGHEST, HIGHEST)),
    ],
)
def test_damping_keeps_within_bounds(shape: dict[str, float], damping: tuple[float, float]) -> None:
    assert credible_damping(rated(60, 50, 2_000, **shape)) == damping


def test_where_nobody_has_two_ratings_damping_is_that_of_the_baseline() -> None:
    assert credible_damping(rated(1, 1, 1, user=1, item=1)) == (DAMPING, DAMPING)
    assert credible_damping(rated(1, 80, 80, user=1, item=1))[1] == DAMPING


@pytest.mark.parametrize("expected", [None, 4.0])
def test_a_damped_bias_comes_to_the_mean_of_its_ratings_and_of_those_given_in_advance(expected: float | None) -> None:
    """Gradient steps on ½(2 − b)², n ratings an epoch, and pulls: b → (2n + damping · expected) / (n + damping)."""
    bias = np.zeros(3, np.float32)
    damped = Damped(bias, None if expected is None else np.full(3, expected, np.float32), damping=6.0, share=0.5)
    n_ratings = np.array([1, 10, 100], np.float32)
    for _ in range(10_000):
        damped.shrink(0.001)
        bias += np.float32(0.001 * 0.5) * n_ratings * (2 - bias)
    assert bias == pytest.approx((2 * n_ratings + 6 * (expected or 0)) / (n_ratings + 6), rel=5e-3)


@pytest.mark.parametrize("noise", [0.7, 1.5])
def test_with_few_ratings_the_defaults_are_no_worse_than_biases(noise: float) -> None:
    """Nothing but biases to find, two ratings a user."""
    ratings = rated(8_000, 200, 16_000, user=0.5, item=0.5, noise=noise)
    train, unseen = ratings.take(slice(0, 12_000)), ratings.take(slice(12_000, None))
    learner = learner_of(train, dim=64)
    list(fit(learner))
    assert (
        evaluate(learner.scorer(), unseen).metrics["rmse"]
        < 1.002 * evaluate(baselines.biases(train), unseen).metrics["rmse"]
    )
