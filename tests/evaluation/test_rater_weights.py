from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.rater_weights import carry_rater_weights, learn_rater_weights
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.raters import Raters

N_USERS, N_RATINGS = 50, np.array([0, 3, 40])
TRUE = np.array([1.0, 0.25, 0.75])


@pytest.fixture(scope="module")
def scorer() -> Factors:
    of_users = np.random.default_rng(0).normal(size=N_USERS).astype(np.float32)
    raters = Raters.of(of_users, np.ones(N_USERS, dtype=bool), N_RATINGS)
    zeros = [np.zeros(shape, np.float32) for shape in (N_USERS + 1, 4, (N_USERS + 1, 1), (4, 1))]
    return Factors(3.0, *zeros, Link("identity", 1.0, 5.0), raters=raters)


def given(scorer: Factors, n: int | None, noise: float = 0.05) -> TrainingInputs:
    """Inputs with n validation ratings that true weights and noise make."""
    random = np.random.default_rng(1)
    user = random.integers(0, N_USERS, n or 1).astype(np.int32)
    item = random.integers(0, 3, n or 1).astype(np.int32)
    assert scorer.raters is not None
    true = replace(scorer, raters=scorer.raters.weighted(TRUE)).score(user, item)
    rating = (true + noise * random.normal(size=len(true))).astype(np.float32)
    ratings = Interactions(user, item, rating, None, Vocabulary(np.arange(N_USERS)), Vocabulary(np.arange(3)))
    return TrainingInputs(Splits(ratings, None if n is None else ratings, None))


def weights(scorer: Any) -> Any:
    return scorer.raters.weights


def test_planted_weights_are_found(scorer: Factors) -> None:
    np.testing.assert_allclose(weights(learn_rater_weights(scorer, given(scorer, 5_000))), TRUE, atol=0.05)


def test_few_noisy_ratings_leave_them_near_what_is_expected(scorer: Factors) -> None:
    np.testing.assert_allclose(weights(learn_rater_weights(scorer, given(scorer, 3, noise=5.0))), 0.25, atol=0.1)


def test_without_validation_ratings_they_count_in_full(scorer: Factors) -> None:
    assert learn_rater_weights(scorer, given(scorer, None)) is scorer
    assert weights(scorer).tolist() == [1, 1, 1]


def test_a_model_of_all_ratings_takes_the_weights_of_the_measured_one(scorer: Factors) -> None:
    measured = learn_rater_weights(scorer, given(scorer, 5_000))
    assert weights(carry_rater_weights(measured, scorer)).tolist() == weights(measured).tolist()
    plain = scorer.without_raters()
    assert carry_rater_weights(plain, plain) is plain
    assert learn_rater_weights(plain, given(scorer, 50)) is plain
