"""Which of a user's ratings are behind a prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.core.errors import UnknownIdError
from recsys.inference.recommender import Recommender
from recsys.workflows.train import train

USER, ITEM = 7, 110


def with_user(recommender: Recommender, user_idx: int, factors: Any) -> Recommender:
    """The same model in which one user has other factors."""
    bundle = recommender.bundle
    users = bundle.factors.user_factors.copy()
    users[user_idx] = factors
    return Recommender(replace(bundle, scorers={"rating": replace(bundle.factors, user_factors=users)}))


def solved(recommender: Recommender, user_idx: int, decay: float, ratings: Any = None) -> Any:
    """The user's factors as the ridge solution over their ratings, the direct way."""
    factors = recommender.bundle.factors
    rated, seen = recommender.bundle.seen.of_user(user_idx)
    ratings = seen if ratings is None else ratings
    q = factors.item_factors[rated].astype(np.float64)
    beyond = ratings - factors.global_mean - factors.user_bias[user_idx] - factors.item_bias[rated]
    return np.linalg.solve(q.T @ q + decay * np.eye(q.shape[1]), q.T @ beyond)


def mean_eigenvalue(recommender: Recommender, user_idx: int) -> float:
    q = recommender.bundle.factors.item_factors[recommender.bundle.seen.of_user(user_idx)[0]].astype(np.float64)
    return float((q**2).sum() / q.shape[1])


@pytest.mark.parametrize("world", ["numbers", "texts"])
def test_pulls_and_remainder_add_up_to_the_interaction(world: str, request: pytest.FixtureRequest) -> None:
    recommender: Recommender = request.getfixturevalue(world)
    bundle = recommender.bundle
    for user in bundle.users.ids[:5].tolist():
        for item in bundle.items.ids[:3].tolist():
            explanation = recommender.explain(user, item, n=4)
            total = (
                sum(contribution.contribution for contribution in explanation.contributions)
                + explanation.others
                + explanation.remainder
            )
            assert total == pytest.approx(explanation.prediction.parts["interaction"], abs=1e-6)
            assert explanation.prediction == recommender.predict(user, item)
            assert len(explanation.contributions) == min(4, explanation.n_ratings)


def test_the_strongest_pulls_come_first_whatever_their_sign(numbers: Recommender) -> None:
    explanation = numbers.explain(USER, ITEM, n=1000)
    sizes = [abs(contribution.contribution) for contribution in explanation.contributions]
    assert sizes == sorted(sizes, reverse=True)
    assert explanation.others == 0
    assert {contribution.contribution > 0 for contribution in explanation.contributions} == {True, False}
    rated, ratings = numbers.bundle.seen.of_user(numbers.bundle.users.index([USER])[0])
    assert {contribution.item_id: contribution.rating for contribution in explanation.contributions} == dict(
        zip(numbers.bundle.items.ids[rated].tolist(), ratings.tolist(), strict=True)
    )


def test_nothing_remains_where_the_user_is_the_ridge_solution(numbers: Recommender) -> None:
    user = int(numbers.bundle.users.index([USER])[0])
    decay = mean_eigenvalue(numbers, user)  # one of those that are tried
    explanation = with_user(numbers, user, solved(numbers, user, decay)).explain(USER, ITEM)
    assert abs(explanation.remainder) < 1e-5
    assert abs(explanation.prediction.parts["interaction"]) > 0.01


def test_a_pull_is_what_the_interaction_loses_if_the_rating_is_as_expected(numbers: Recommender) -> None:
    user, item = int(numbers.bundle.users.index([USER])[0]), ITEM - 100
    factors, decay = numbers.bundle.factors, mean_eigenvalue(numbers, user)
    rated, ratings = numbers.bundle.seen.of_user(user)
    model = with_user(numbers, user, solved(numbers, user, decay))
    pulls = {pull.item_id: pull for pull in model.explain(USER, ITEM, n=1000).contributions}
    for place in (0, 3):
        changed = ratings.astype(np.float64)
        changed[place] = factors.global_mean + factors.user_bias[user] + factors.item_bias[rated[place]]
        lost = (solved(numbers, user, decay) - solved(numbers, user, decay, changed)) @ factors.item_factors[item]
        pull = pulls[int(rated[place]) + 100]
        assert pull.contribution == pytest.approx(lost, abs=1e-5)
        assert pull.expected == pytest.approx(float(factors.link(np.float32(changed[place]))), abs=1e-5)


def test_items_without_factors_contribute_nothing(numbers: Recommender) -> None:
    factors = numbers.bundle.factors
    none = replace(factors, item_factors=np.zeros_like(factors.item_factors))
    explanation = Recommender(replace(numbers.bundle, scorers={"rating": none})).explain(USER, ITEM)
    assert {contribution.contribution for contribution in explanation.contributions} == {0.0}
    assert explanation.remainder == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("model", [{}, pytest.param({"y_range": [0, 5.5]}, marks=pytest.mark.slow)])
def test_little_remains_of_a_trained_model(small: Any, tmp_path: Path, model: dict[str, Any]) -> None:
    train(small(model=model, training={"n_epochs": 15}), tmp_path / "run")
    recommender = Recommender.open(tmp_path / "run")
    explanations = [recommender.explain(user, item) for user in range(10) for item in range(100, 110)]
    interactions = [explanation.prediction.parts["interaction"] for explanation in explanations]
    assert np.std([explanation.remainder for explanation in explanations]) < 0.2 * np.std(interactions)


def test_it_is_told_as_json_takes_it(numbers: Recommender) -> None:
    answer = numbers.explain(USER, ITEM, n=2).to_dict()
    assert answer.items() >= numbers.predict(USER, ITEM).to_dict().items()
    assert list(answer["pulls"][0]) == ["item_id", "title", "rating", "expected", "pull"]
    assert {"n_ratings", "others", "remainder"} < answer.keys()


@pytest.mark.parametrize(("user", "item"), [(999, ITEM), (USER, 999)])
def test_unknown_ids_are_refused(numbers: Recommender, user: int, item: int) -> None:
    with pytest.raises(UnknownIdError, match="999"):
        numbers.explain(user, item)
