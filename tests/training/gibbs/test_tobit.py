from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.events import silent
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.data.scale import Censoring
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.models.dot_product.settings import DotProduct
from recsys.scoring.censored_normal import mean_beyond
from recsys.training.gibbs.learner import GibbsLearner
from recsys.training.gibbs.models import dot_product
from recsys.training.gibbs.settings import Gibbs
from recsys.training.gibbs.tobit import is_censored
from recsys.training.gibbs.tobit_kernel import draw_beyond_kernel
from recsys.training.loop import fit

from ..sgd.worlds import planted
from .test_drift import drifting
from .test_learner import bits, learner_of


def cut(train: Interactions, sign: int = 1, share: float = 0.55) -> Interactions:
    """The ratings in steps of a half, with this share of them or more piled up at an end."""
    limit = np.round(2 * sign * np.quantile(sign * train.rating, 1 - share)) / 2
    rounded = np.round(2 * train.rating) / 2
    rating = np.minimum(rounded, limit) if sign > 0 else np.maximum(rounded, limit)
    return replace(train, rating=rating.astype(np.float32))


def drawn(score: float, precision: float, *, sign: int, limit: float, n: int = 100_000) -> Array:
    """Ratings of one user and n items, all beyond the limit, drawn by the kernel."""
    own, rows = np.array([[0.5, 0.1]], np.float32), np.zeros((n, 2), np.float32)
    rows[:, 0], rows[:, 1] = 2.0, score - 1.0 - 0.1 - 0.25
    at, user, idx = np.arange(n), np.zeros(n, np.int64), np.arange(n, dtype=np.int32)
    draws, uniform = np.zeros(n, np.float32), np.random.default_rng(4).random(n)
    precisions = np.full(1, precision, np.float32), np.ones(n, np.float32)
    offset = np.full(n, 0.25, np.float32)
    draw_beyond_kernel()(at, user, idx, offset, own, rows, *precisions, sign, limit, uniform, draws)
    return draws


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("limit", [-3.0, -0.3, 0.0, 0.7, 2.5, 6.0])
def test_draws_are_those_of_a_normal_distribution_beyond_the_limit(limit: float, sign: int) -> None:
    std, mean = 0.5, 0.4
    draws = drawn(mean, std**-2, sign=sign, limit=limit)
    assert (sign * (draws - np.float32(limit)) >= 0).all()
    assert draws.mean() == pytest.approx(mean_beyond(np.array([mean]), std, limit, sign)[0], abs=5e-3)
    away = (limit - mean) / std
    expected = mean_beyond(np.array([mean]), std, limit, sign)[0] - mean
    variance = std**2 * (1 + away * expected / std) - expected**2
    assert draws.var() == pytest.approx(variance, abs=5e-3)


@pytest.mark.parametrize("limit", [-1e4, 1e4])
def test_however_far_the_limit_is_draws_are_finite_and_beyond_it(limit: float) -> None:
    draws = drawn(0.0, 1.0, sign=1, limit=limit, n=100)
    assert np.isfinite(draws).all()
    assert (draws >= limit).all()


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (0.4, False), (0.5, True), (0.9, True), (1.0, False)])
@pytest.mark.parametrize("end", [1.0, 5.0])
def test_ratings_are_piled_up_from_a_half_on(share: float, expected: bool, end: float) -> None:
    others = np.tile(np.array([2.0, 3.0, 4.0], np.float32), 34)[:100]
    rating = np.where(np.arange(100) < 100 * share, np.float32(end), others)
    assert is_censored(rating, Censoring.of(rating)) == expected


def test_likes_and_dislikes_are_no_pile() -> None:
    rating = np.array([0, 1, 1, 1], np.float32)
    assert not is_censored(rating, Censoring.of(rating))


def test_the_likelihood_follows_the_ratings_unless_it_is_given() -> None:
    plain, piled = planted(), cut(planted())
    assert learner_of(plain).settings()["likelihood"] == "normal"
    assert learner_of(piled).settings()["likelihood"] == "tobit"
    assert learner_of(piled, likelihood="normal").scorer().link.kind == "clip"
    free = dot_product(DotProduct(embedding_dim=2, clip=False))
    learner = GibbsLearner(free, piled.scale, piled, Gibbs(), 1)
    assert learner.settings()["likelihood"] == "normal"


@pytest.mark.parametrize("sign", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_it_is_more_accurate_where_ratings_pile_up(sign: int) -> None:
    ratings = cut(planted(300, 100, 4_000, rank=1, noise=0.6), sign, share=0.8)
    seen, unseen = ratings.take(slice(0, 3_000)), ratings.take(slice(3_000, None))
    rmse = {}
    for likelihood in ("normal", "tobit"):
        learner = learner_of(seen, "flipped", n_epochs=120, likelihood=likelihood)
        list(fit(learner))
        rmse[likelihood] = evaluate(learner.scorer(), unseen).metrics["rmse"]
    assert rmse["tobit"] < 0.99 * rmse["normal"]
    assert rmse["tobit"] < evaluate(baselines.biases(seen), unseen).metrics["rmse"]


def test_explicit_tobit_takes_ratings_that_are_all_alike() -> None:
    ratings = replace(planted(), rating=np.full(4_000, 4.0, np.float32))
    learner = learner_of(ratings, likelihood="tobit")
    list(fit(learner))
    assert evaluate(learner.scorer(), ratings).metrics["rmse"] < 0.3


def forms() -> dict[str, Any]:
    settings = Gibbs(n_epochs=8, burn_in=2)
    moving = dot_product(DotProduct(embedding_dim=3, user_drift=True))
    train, timed = cut(planted()), cut(drifting(n=4_000))

    def plain(n_threads: int) -> Any:
        return learner_of(train, "flipped", dim=20, n_threads=n_threads, burn_in=2)

    def drift(n_threads: int) -> Any:
        return GibbsLearner(moving, timed.scale, timed, settings.model_copy(update={"n_threads": n_threads}), 1)

    return {"flipped": plain, "drift": drift}


@pytest.mark.parametrize("form", ["flipped", "drift"])
def test_threads_and_a_resume_leave_the_bits_as_they_are(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.training.gibbs.tobit.CHUNK", 300)  # as it is, this world would be one chunk
    make = forms()[form]
    states = []
    for n_threads in (1, 2, 4):
        learner = make(n_threads)
        for number in range(1, 6):
            learner.epoch(number, silent)
            if n_threads == 2 and number == 3:
                state = learner.state(3)
                learner = make(n_threads)
                learner.restore(state)
        states.append(bits(learner))
    assert states[0] == states[1] == states[2]
    assert make(1)._tobit is not None
    assert len(make(1)._tobit.at) >= 2_000


def test_the_link_reaches_as_far_as_ratings_do() -> None:
    """Its std is that of ratings about scores that were not fitted to them: noise, and what scores may be."""
    ratings = planted(300, 100, 4_000, rank=1, noise=0.6)
    whole, piled = ratings, cut(ratings)
    learner = learner_of(piled.take(slice(0, 3_000)), n_epochs=200)
    list(fit(learner))
    unseen = whole.take(slice(3_000, None))
    scorer = learner.scorer()
    error = whole.rating[3_000:] - scorer.score(unseen.user_idx, unseen.item_idx)
    assert scorer.link.std == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=0.15)


def test_each_user_has_a_std_of_their_own_where_noise_differs() -> None:
    clean, random = planted(150, 100, 9_000), np.random.default_rng(3)
    noise = np.where(np.arange(150) % 2, 0.3, 0.9)
    rating = clean.rating + noise[clean.user_idx] * random.standard_normal(9_000)
    learner = learner_of(cut(replace(clean, rating=rating.astype(np.float32))), n_epochs=60)
    list(fit(learner))
    scorer = learner.scorer()
    quiet, loud = (scorer.user_std[:-1][np.arange(150) % 2 == odd].mean() for odd in (1, 0))
    assert loud / quiet > 1.4  # of 3: half of the ratings are drawn, with the noise that the chain takes them to have
    assert scorer.user_std[-1] == np.float32(scorer.link.std)
    assert quiet < scorer.link.std < loud
