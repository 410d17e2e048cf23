"""Drift paths: the kernel against a dense Gaussian process, and the sampler with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.core.threads import Workers
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.metrics import evaluate
from recsys.models.dot_product.settings import DotProduct
from recsys.training.gibbs.drift import LENGTHS, Paths, by_time
from recsys.training.gibbs.drift_kernel import draw_paths_kernel
from recsys.training.gibbs.learner import GibbsLearner
from recsys.training.gibbs.models import dot_product
from recsys.training.gibbs.settings import Gibbs
from recsys.training.loop import fit

from ..sgd.worlds import planted

SECONDS = np.array([0.0, 0.0, 7.0, 30.0, 30.0, 4_000.0, 2e5, 3e7])  # two of the moments have two ratings
N_PATHS = len(LENGTHS)


def one_user() -> Interactions:
    n = len(SECONDS)
    rating = np.random.default_rng(5).normal(size=n).astype(np.float32)
    where = np.zeros(n, np.int32), np.arange(n, dtype=np.int32)
    return Interactions(*where, rating, SECONDS, Vocabulary(np.array([1])), Vocabulary(np.arange(n)))


def drifting(n_users: int = 150, n_items: int = 60, n: int = 6_000, *, size: float = 0.7) -> Interactions:
    """Planted ratings in sittings of an hour, each with a mood of its own."""
    plain, random = planted(n_users, n_items, n, rank=1, noise=0.3), np.random.default_rng(3)
    sitting = random.integers(0, 4, n)
    mood = size * random.normal(size=(n_users, 4))
    timestamp = 1e6 * sitting + random.integers(0, 3_600, n)
    rating = plain.rating + mood[plain.user_idx, sitting]
    return replace(plain, rating=rating.astype(np.float32), timestamp=timestamp.astype(np.float64))


def learner_of(train: Interactions, *, user_drift: bool = True, **settings: Any) -> Any:
    form = dot_product(DotProduct(embedding_dim=2, user_drift=user_drift))
    return GibbsLearner(form, train.scale, train, Gibbs(**{"n_epochs": 8, "n_threads": 1, **settings}), 1)


def bits(learner: Any) -> dict[str, bytes]:
    state = learner.state(1)
    return {name: array.tobytes() for name, array in (state.model | state.learner).items()}


def drawn_paths(
    paths: Paths, ratings: Interactions, precision: Any, variance: Any, n_draws: int, scale: float = 1.0
) -> tuple[Any, Any]:
    """Draws of the paths given the user's scale, rows of factors and biases all 0, and Σ squares.

    Of the former the shape is (n_draws, n_moments, n_paths).
    """
    random, draws = np.random.default_rng(0), []
    squares = np.zeros(N_PATHS)
    for _ in range(n_draws):
        normal = random.standard_normal(paths.state.shape, dtype=np.float32)
        paths.scale[:], paths.total = scale, np.float32(scale) * paths.state.sum(axis=1)
        draw_paths(paths, ratings, precision, variance, (normal, np.zeros(1, np.float32)), squares)
        draws.append(paths.state.copy())
    return np.array(draws, dtype=np.float64), squares


def draw_paths(
    paths: Paths, ratings: Interactions, precision: Any, variance: Any, normal: tuple[Any, Any], squares: Any
) -> None:
    """One call of the kernel, of a user and of items that all have rows of zeros."""
    none = np.zeros((len(ratings), 2), np.float32)
    given = paths.start, paths.rated, ratings.item_idx, ratings.rating, none[:1], none, np.ones(1, np.float32)
    times = precision, paths.rho, paths.fresh, variance
    drawn = paths.state, paths.scale, paths.total, paths.level
    draw_paths_kernel()(0, 1, *given, *times, *normal, *drawn, squares, np.zeros((N_PATHS, N_PATHS)), np.zeros(N_PATHS))


def test_a_scale_is_drawn_from_its_normal_distribution_given_the_paths() -> None:
    ratings, random = one_user(), np.random.default_rng(4)
    paths, variance = Paths.of(ratings), np.full(N_PATHS, 0.5)
    precision = np.linspace(0.5, 4, len(ratings)).astype(np.float32)
    for normal in (0.0, 1.5, -3.0):
        of_paths = random.standard_normal(paths.state.shape, dtype=np.float32)
        draw_paths(paths, ratings, precision, variance, (of_paths, np.full(1, normal, np.float32)), np.zeros(N_PATHS))
        drift = np.repeat(paths.state.astype(np.float64).sum(axis=1), np.diff(paths.rated))
        a, b = (4 + (precision * drift * other).sum() for other in (drift, ratings.rating))
        assert paths.scale[0] == pytest.approx(b / a + normal / np.sqrt(a), rel=1e-5)
        moved = np.repeat(paths.total, np.diff(paths.rated))
        np.testing.assert_allclose(moved, paths.scale[0] * drift, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_draws", [20_000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_paths_have_the_mean_and_covariance_of_the_dense_gaussian_process(n_draws: int) -> None:
    ratings = one_user()
    paths = Paths.of(ratings)
    precision = np.linspace(0.5, 4, len(ratings)).astype(np.float32)
    variance = np.array([0.2, 0.5, 0.3, 0.8, 0.4, 1.0])
    draws, _ = drawn_paths(paths, ratings, precision, variance, n_draws, scale=0.8)
    draws = draws[100:].transpose(0, 2, 1).reshape(-1, draws.shape[1] * draws.shape[2])

    moment = np.unique(SECONDS)
    prior = [v * np.exp(-np.abs(np.subtract.outer(moment, moment)) / k) for v, k in zip(variance, LENGTHS, strict=True)]
    n = len(moment)
    joint = np.zeros((n * N_PATHS, n * N_PATHS))
    for k, covariance in enumerate(prior):
        joint[k * n : (k + 1) * n, k * n : (k + 1) * n] = covariance
    seen = 0.8 * np.tile(SECONDS[:, None] == moment, N_PATHS)
    gain = joint @ seen.T @ np.linalg.inv(seen @ joint @ seen.T + np.diag(1 / precision.astype(float)))
    np.testing.assert_allclose(draws.mean(axis=0), gain @ ratings.rating, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), joint - gain @ seen @ joint, atol=0.05)
    total = draws.reshape(len(draws), N_PATHS, n).sum(axis=1)  # paths trade places slowly, their sum does not
    sums = np.tile(np.eye(n), N_PATHS)
    np.testing.assert_allclose(total.mean(axis=0), sums @ gain @ ratings.rating, atol=0.02)
    np.testing.assert_allclose(np.cov(total.T), sums @ (joint - gain @ seen @ joint) @ sums.T, atol=0.02)


def test_without_ratings_that_say_anything_paths_have_their_prior_variance() -> None:
    ratings = one_user()
    paths, variance = Paths.of(ratings), np.linspace(0.1, 1, N_PATHS)
    draws, squares = drawn_paths(paths, ratings, np.full(len(ratings), 1e-9, np.float32), variance, 20_000)
    np.testing.assert_allclose(draws.var(axis=0), np.broadcast_to(variance, draws.shape[1:]), rtol=0.05)
    np.testing.assert_allclose(squares / draws.shape[0] / draws.shape[1], variance, rtol=0.05)


@pytest.mark.slow
def test_variances_are_found_from_far_away() -> None:
    """On ratings that are paths and noise and nothing else, from ten times and a tenth of the true variance."""
    random, n_users, n = np.random.default_rng(2), 300, 40
    user, time = np.repeat(np.arange(n_users, dtype=np.int32), n), np.tile(np.arange(n) * 3e3, n_users)
    covariance = 0.3 * np.exp(-np.abs(np.subtract.outer(time[:n], time[:n])) / 1e4)
    rating = random.multivariate_normal(np.zeros(n), covariance, n_users).ravel() + 0.5 * random.normal(size=len(user))
    who, what = Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n))
    item = np.tile(np.arange(n, dtype=np.int32), n_users)
    train = Interactions(user, item, rating.astype(np.float32), time, who, what)
    for first in (3.0, 0.03):
        learner = learner_of(train)
        paths, flat = learner._paths, learner._sides
        for side in flat.values():
            side.row[:] = 0
        rated = replace(learner._rated["user"], rating=train.rating)
        paths.variance[:] = first
        variances = []
        for sweep in range(150):
            paths.sample(flat["user"], flat["item"], rated, 4.0, (1, sweep), Workers(1))
            variances.append(np.mean(np.square(paths.scale)) * paths.variance)
        mean = np.mean(variances[50:], axis=0)
        assert mean[3] == pytest.approx(0.3, abs=0.06)
        assert mean.sum() == pytest.approx(0.3, abs=0.06)


def test_ratings_of_one_moment_share_its_state() -> None:
    paths = Paths.of(one_user())
    assert paths.rated.tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert paths.time.tolist() == [0, 7, 30, 4_000, 2e5, 3e7]
    assert (paths.rho[0] == 0).all()
    assert (paths.fresh[0] == 1).all()


def test_ratings_are_followed_in_the_order_of_time_whatever_that_of_the_file() -> None:
    ratings = drifting()
    shuffled = ratings.take(np.random.default_rng(1).permutation(len(ratings)))
    ordered, other = by_time(ratings), by_time(shuffled)
    np.testing.assert_array_equal(ordered.timestamp, other.timestamp)
    np.testing.assert_array_equal(ordered.user_idx, other.user_idx)
    paths = Paths.of(ordered)
    np.testing.assert_array_equal(ordered.item_idx[paths.by_item], np.sort(ordered.item_idx))


def with_and_without(ratings: Interactions, n_epochs: int) -> tuple[float, float, Any]:
    """The rmse on the last 1,000 ratings without drift and with it, and the learner that has it."""
    seen, unseen = ratings.take(slice(0, 5_000)), ratings.take(slice(5_000, None))
    learners = [learner_of(seen, user_drift=user_drift, n_epochs=n_epochs) for user_drift in (False, True)]
    for learner in learners:
        list(fit(learner))
    without, with_drift = (evaluate(learner.scorer(), unseen).metrics["rmse"] for learner in learners)
    return without, with_drift, learners[1]


EPOCHS = [128, pytest.param(256, marks=pytest.mark.slow)]


@pytest.mark.parametrize("n_epochs", EPOCHS)
def test_planted_moods_are_recovered(n_epochs: int) -> None:
    without, with_drift, learner = with_and_without(drifting(), n_epochs)
    assert without > 0.7
    assert with_drift < 0.37  # the noise is 0.3
    variance = learner.scorer().drift.variance
    assert variance[3:].sum() == pytest.approx(0.7**2, rel=0.35)
    assert learner.scorer().drift.scale.mean() == pytest.approx(1, abs=0.15)
    assert variance[:3].sum() < 0.05


@pytest.mark.parametrize("n_epochs", EPOCHS)
def test_without_moods_little_is_lost(n_epochs: int) -> None:
    without, with_drift, _ = with_and_without(drifting(size=0.0), n_epochs)
    assert with_drift < 1.005 * without


def test_one_two_and_four_threads_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.training.gibbs.state.CHUNK_RATINGS", 1_000)
    states = []
    for n_threads in (1, 2, 4):
        learner = learner_of(drifting(), n_threads=n_threads, burn_in=1)
        for number in (1, 2, 3):
            learner.epoch(number, silent)
        states.append(bits(learner))
    assert states[0] == states[1] == states[2]
    assert len(learner._rated["user"].chunks) > 5


@pytest.mark.parametrize("after", [1, 4])
def test_a_chain_that_was_restored_goes_on_with_the_same_bits(after: int) -> None:
    whole, first, second = (learner_of(drifting(), burn_in=2) for _ in range(3))
    for number in range(1, 7):
        whole.epoch(number, silent)
    for number in range(1, after + 1):
        first.epoch(number, silent)
    second.restore(first.state(after))
    for number in range(after + 1, 7):
        second.epoch(number, silent)
    assert bits(second) == bits(whole)


def test_what_is_served_is_the_mean_of_the_samples_that_count() -> None:
    learner, sums = learner_of(drifting(), burn_in=2), []
    for number in range(1, 6):
        learner.epoch(number, silent)
        if number > 2:
            paths = learner._paths
            sums.append(np.repeat(paths.scale, np.diff(paths.start))[:, None] * paths.state)
    unit, drift = learner._scale.std, learner.scorer().drift
    np.testing.assert_allclose(drift.mean, unit * np.mean(sums, axis=0), atol=1e-5)


def test_ratings_without_times_are_refused() -> None:
    with pytest.raises(DataError, match="no timestamps") as caught:
        learner_of(planted())
    assert caught.value.where == "model.user_drift"
