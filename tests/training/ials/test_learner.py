from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recsys.config.plans import Plan
from recsys.core.communicator import ALONE
from recsys.core.events import silent
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs, WarmStart
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.models.implicit_factors.settings import ImplicitFactors
from recsys.training.ials.learner import IalsLearner, build
from recsys.training.ials.settings import Ials
from recsys.training.loop import fit


@pytest.fixture
def interactions(rated: Callable[..., Interactions]) -> Interactions:
    draw = np.random.default_rng(7)
    pairs = [(u, i) for u in range(60) for i in range(40) if draw.random() < (0.5 if u % 2 == i % 2 else 0.05)]
    return rated([(user, item, float(draw.integers(1, 6))) for user, item in pairs])


def learner_of(interactions: Interactions, start: WarmStart | None = None, **settings: object) -> IalsLearner:
    training = Ials.model_validate({"n_epochs": 4, "embedding_dim": 6, **settings})
    plan = Plan("ranking", "ranking", "ranking", ImplicitFactors(), training, seed=5)
    return build(plan, TrainingInputs(Splits(interactions, None, None), warm_start=start), ALONE)


def test_what_users_interact_with_ranks_above_the_rest(interactions: Interactions) -> None:
    learner = learner_of(interactions)
    assert [epoch.train for epoch in fit(learner)] == [{}] * 4
    scores = learner.scorer().score_all(np.arange(60, dtype=np.int32))
    own = (np.arange(60)[:, None] % 2) == (np.arange(40) % 2)
    assert scores[own].mean() > 5 * scores[~own].mean()


def test_auto_is_resolved_and_said(interactions: Interactions) -> None:
    settings = learner_of(interactions, embedding_dim="auto").settings()
    assert settings["embedding_dim"] == 128
    assert isinstance(settings["unobserved_weight"], float)
    assert isinstance(settings["regularization"], float)
    assert "n_threads" not in settings
    given = learner_of(interactions, unobserved_weight=0.3, regularization=0.02).settings()
    assert (given["unobserved_weight"], given["regularization"]) == (0.3, 0.02)


def test_without_weight_ratings_make_no_difference(interactions: Interactions) -> None:
    clicks = replace(interactions, rating=np.full(len(interactions), np.nan, np.float32))
    scorers = []
    for rows in (interactions, clicks):
        learner = learner_of(rows, rating_weight=0.0)
        learner.epoch(1, silent)
        scorers.append(learner.scorer())
    np.testing.assert_array_equal(scorers[0].item_factors, scorers[1].item_factors)


def test_a_state_is_all_that_there_is(interactions: Interactions) -> None:
    first, second = (learner_of(interactions) for _ in range(2))
    for number in (1, 2):
        first.epoch(number, silent)
    second.restore(first.state(2))
    for learner in (first, second):
        learner.epoch(3, silent)
    np.testing.assert_array_equal(first.scorer().user_factors, second.scorer().user_factors)


def test_an_update_starts_from_the_rows_of_before(interactions: Interactions) -> None:
    """One more user, and items in another order: after an epoch the old rows lie where many epochs led."""
    fitted = learner_of(interactions, n_epochs=30)
    for _ in fit(fitted):
        pass
    order = np.random.default_rng(1).permutation(40)
    items = Vocabulary(np.arange(40))
    moved = replace(
        interactions,
        user_idx=(interactions.user_idx + 1).astype(np.int32),
        item_idx=order[interactions.item_idx].astype(np.int32),
        users=Vocabulary(np.arange(-1, 60)),
        items=items,
    )
    rows = {"user": np.arange(-1, 60).astype(np.int32), "item": np.argsort(order).astype(np.int32)}
    assert rows["user"][0] == UNKNOWN
    parameters = {"ranking": fitted.state(30).model}
    nothing = moved.take(slice(0, 0))
    start = WarmStart(parameters, rows, interactions.scale, nothing, None, None, None, replays_all=True)
    settings = fitted.settings()
    weights = {name: settings[name] for name in ("unobserved_weight", "regularization")}
    updated = learner_of(moved, start, embedding_dim="auto", n_epochs=1, **weights)
    assert updated.settings()["embedding_dim"] == 6
    updated.epoch(1, silent)
    np.testing.assert_allclose(updated.scorer().item_factors[order], fitted.scorer().item_factors[:40], atol=0.02)


def test_rows_of_another_dim_are_not_taken_over(interactions: Interactions) -> None:
    rows = {"user": np.arange(60, dtype=np.int32), "item": np.arange(40, dtype=np.int32)}
    earlier = {"ranking": learner_of(interactions).state(0).model}
    nothing = interactions.take(slice(0, 0))
    start = WarmStart(earlier, rows, interactions.scale, nothing, None, None, None, replays_all=True)
    wider = learner_of(interactions, start, embedding_dim=8)
    np.testing.assert_array_equal(
        wider.state(0).model["item_embedding"],
        learner_of(interactions, embedding_dim=8).state(0).model["item_embedding"],
    )
