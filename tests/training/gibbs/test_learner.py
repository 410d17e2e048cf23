from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from recsys.core.events import silent
from recsys.data.grouped import GroupedView
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation import baselines
from recsys.evaluation.metrics import evaluate
from recsys.models.build import build_module
from recsys.models.dot_product.settings import DotProduct
from recsys.models.svdpp.settings import SvdPP
from recsys.training.gibbs.learner import GibbsLearner, resolve
from recsys.training.gibbs.models import SampledModel, dot_product, svdpp
from recsys.training.gibbs.settings import Gibbs
from recsys.training.gibbs.state import OWN_NOISE_RATINGS, SPREADS, Prior, RatingsCSR, sum_implicit
from recsys.training.gibbs.sweep import sample_spread
from recsys.training.loop import fit

from ..sgd.worlds import planted

KINDS = ["dot_product", "svdpp", "flipped"]


def learner_of(train: Interactions, kind: str = "dot_product", *, dim: int = 3, seed: int = 1, **settings: Any) -> Any:
    return GibbsLearner(
        form_of(kind, dim), train.scale, train, Gibbs(**{"n_epochs": 8, "n_threads": 1, **settings}), seed
    )


def form_of(kind: str, dim: int) -> SampledModel:
    settings = settings_of(kind, dim)
    return svdpp(settings) if isinstance(settings, SvdPP) else dot_product(settings)


def settings_of(kind: str, dim: int) -> DotProduct | SvdPP:
    if kind == "dot_product":
        return DotProduct(embedding_dim=dim)
    return SvdPP(embedding_dim=dim, flipped=kind == "flipped")


def bits(learner: Any) -> dict[str, bytes]:
    state = learner.state(1)
    return {name: array.tobytes() for name, array in (state.model | state.learner).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_planted_factors_are_recovered(kind: str) -> None:
    ratings = planted(150, 100, 9_000, noise=0.3)
    seen, unseen = ratings.take(slice(0, 8_000)), ratings.take(slice(8_000, None))
    learner = learner_of(seen, kind, n_epochs=60)
    last = list(fit(learner))[-1]
    assert evaluate(learner.scorer(), unseen).metrics["rmse"] < 0.35
    assert evaluate(baselines.biases(seen), unseen).metrics["rmse"] > 0.6
    assert 0.25 < last.train["rmse"] < 0.31


@pytest.mark.parametrize("kind", KINDS)
def test_one_two_and_four_threads_give_the_same_bits(kind: str) -> None:
    states = []
    for n_threads in (1, 2, 4):
        learner = learner_of(planted(), kind, dim=20, n_threads=n_threads, burn_in=1)
        for number in (1, 2, 3):
            learner.epoch(number, silent)
        states.append(bits(learner))
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [1, 4])
def test_a_chain_that_was_restored_goes_on_with_the_same_bits(kind: str, after: int) -> None:
    whole, first, second = (learner_of(planted(), kind, burn_in=2) for _ in range(3))
    for number in range(1, 7):
        whole.epoch(number, silent)
    for number in range(1, after + 1):
        first.epoch(number, silent)
    second.restore(first.state(after))
    for number in range(after + 1, 7):
        second.epoch(number, silent)
    assert bits(second) == bits(whole)


def test_the_model_is_the_last_sample_and_after_the_burn_in_the_mean() -> None:
    learner = learner_of(planted(), burn_in=2)
    for number in (1, 2):
        learner.epoch(number, silent)
        row = learner._sides["user"].row
        np.testing.assert_array_equal(learner.state(number).model["user_bias"], row[:, -1])
    biases = []
    for number in (3, 4, 5):
        learner.epoch(number, silent)
        biases.append(learner._sides["user"].row[:, -1].copy())
    np.testing.assert_allclose(learner.state(5).model["user_bias"], np.mean(biases, axis=0), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_parameters_are_those_of_the_module_and_predict_the_same(kind: str) -> None:
    train = planted()
    learner = learner_of(train, kind, n_kept_samples=0)
    list(fit(learner))
    module: Any = build_module(settings_of(kind, 3), TrainingInputs(Splits(train, None, None)), 1)
    arrays = learner.state(8).model
    module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=True)
    scorer, other = (each.scorer().without_raters() for each in (learner, module))
    expected = other.score(train.user_idx, train.item_idx)
    np.testing.assert_allclose(scorer.score(train.user_idx, train.item_idx), expected, atol=2e-5)


def test_raters_are_the_mean_over_samples_of_what_the_users_term_adds() -> None:
    train, terms = planted(), []
    learner = learner_of(train, "flipped", burn_in=2)
    for number in range(1, 6):
        learner.epoch(number, silent)
        if number > 2:
            implicit, row = learner._sides["item"].implicit, learner._sides["user"].row
            terms.append((implicit[:, :-1] * row[:, :-1]).sum(axis=1) + implicit[:, -1])
    raters = learner.scorer().raters
    np.testing.assert_allclose(raters.user[:-1], train.scale.std * np.mean(terms, axis=0), atol=1e-5)
    np.testing.assert_array_equal(raters.n_ratings[:-1], train.item_counts)


def test_samples_that_are_turned_against_each_other_do_not_cancel_out() -> None:
    learner = learner_of(planted(), burn_in=0)
    learner.epoch(1, silent)
    before = learner.scorer()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0].astype(np.float32)
    for side in learner._sides.values():
        side.row[:, :-1] = side.row[:, :-1] @ turn
    learner._count(2)
    np.testing.assert_allclose(learner.scorer().user_factors, before.user_factors, atol=1e-4)


def test_a_noisy_user_gets_a_low_precision() -> None:
    ratings = planted(noise=0.1)
    rating = ratings.rating.copy()
    rating[ratings.user_idx == 5] += np.random.default_rng(0).normal(0, 3, (ratings.user_idx == 5).sum())
    noisy = Interactions(
        ratings.user_idx, ratings.item_idx, rating.astype(np.float32), None, ratings.users, ratings.items
    )
    learner = learner_of(noisy, n_epochs=30)
    list(fit(learner))
    precision = learner._sides["user"].noise_precision
    assert precision[5] < 0.2 * np.median(precision)


def test_who_has_few_ratings_has_the_noise_of_all() -> None:
    ratings = planted()
    n_left = OWN_NOISE_RATINGS - 1
    few = np.flatnonzero(ratings.user_idx == 5)[n_left:]
    learner = learner_of(ratings.take(np.setdiff1d(np.arange(len(ratings)), few)))
    learner.epoch(1, silent)
    precision = learner._sides["user"].noise_precision
    assert precision[5] == 1
    assert np.count_nonzero(precision == 1) == np.count_nonzero(ratings.user_counts < OWN_NOISE_RATINGS) + 1


def test_a_prior_finds_mean_and_spread_of_many_rows() -> None:
    random = np.random.default_rng(0)
    rows = random.normal([1.0, -2.0], [0.5, 3.0], (20_000, 2)).astype(np.float32)
    prior = Prior.of(1, 1.0)
    for _ in range(3):  # the precision is drawn given the mean before
        prior.sample(rows, random)
    np.testing.assert_allclose(prior.mean, [1.0, -2.0], atol=0.1)
    np.testing.assert_allclose(prior.precision, [4.0, 1 / 9], rtol=0.1)


@pytest.mark.parametrize("spread", [30.0, 150.0])
def test_the_spread_of_precisions_is_found_on_the_grid(spread: float) -> None:
    random = np.random.default_rng(0)
    estimate = sample_spread((random.standard_gamma(spread, 50_000) / spread).astype(np.float32), random)
    assert estimate in SPREADS
    assert estimate == pytest.approx(spread, rel=0.1)


def test_implicit_terms_are_summed_over_what_was_rated() -> None:
    own, other = np.array([0, 2, 0], np.int32), np.array([1, 0, 2], np.int32)
    users = GroupedView.of(own, other, counts=np.array([2, 0, 1]))
    items = GroupedView.of(other, own, counts=np.array([1, 1, 1]))
    rated = RatingsCSR.of(users, items, np.zeros(3, np.float32))
    terms = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]], np.float32)
    expected = [[6 / 2**0.5, 60 / 2**0.5], [0, 0], [1, 10]]
    np.testing.assert_allclose(sum_implicit(rated, terms), expected, rtol=1e-6)
    assert rated.scale2_sum.tolist() == pytest.approx([1.0, 0.5, 0.5])


def test_a_quarter_of_the_sweeps_burns_in() -> None:
    assert resolve(Gibbs(n_epochs=10), 1_000).burn_in == 2
    assert resolve(Gibbs(n_epochs=10, burn_in=0), 1_000).burn_in == 0
    assert resolve(Gibbs(n_epochs=10, n_threads=3), 1_000).n_threads == 3


@pytest.mark.parametrize(("n_numbers", "n_kept"), [(1_000, 64), (4_000_000, 32), (10**9, 2)])
def test_samples_are_kept_as_far_as_memory_goes(n_numbers: int, n_kept: int) -> None:
    assert resolve(Gibbs(), n_numbers).n_kept_samples == n_kept
    assert resolve(Gibbs(n_kept_samples=5), n_numbers).n_kept_samples == 5


def test_after_the_last_sweep_the_scorer_holds_what_the_product_of_means_leaves_out() -> None:
    """With all samples kept and as many columns as the rank of that, it is the mean of all samples' predictions."""
    learner = learner_of(planted(12, 10, 100), dim=10, n_epochs=9, burn_in=3)
    scores = []
    for number in range(1, 10):
        learner.epoch(number, silent)
        users, items = (learner._sides[role].row.astype(np.float64) for role in ("user", "item"))
        scores.append(users[:, -1:] + items[:, -1] + users[:, :-1] @ items[:, :-1].T)
    wanted = learner._scale.mean + learner._scale.std * np.mean(scores[3:], axis=0)
    served_scores = learner.scorer().score_all(np.arange(12, dtype=np.int32))
    np.testing.assert_allclose(served_scores, wanted, atol=0.01)  # the samples are kept in float16
    assert learner.scorer().embedding_dim == 20
    plain = learner_of(planted(12, 10, 100), dim=10, n_epochs=9, burn_in=3, n_kept_samples=0)
    assert len(list(fit(plain))) == 9
    assert (plain.scorer().embedding_dim, plain.samples) == (10, None)
