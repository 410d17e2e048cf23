"""Users and items without ratings, and rows without one: every method trains, and serves those as the mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.config.plans import plans
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE
from recsys.core.types import Arrays
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import learn_intervals, predict_intervals
from recsys.objectives.rating import RATING
from recsys.scoring.codec import encode
from recsys.training.build import build_learner
from recsys.training.loop import Learner, fit

UNRATED_USERS, UNRATED_ITEMS = [0, 12, 29], [0, 19]
GIBBS = {"method": "gibbs", "n_epochs": 8, "burn_in": 3, "n_kept_samples": 3}
FORMS: dict[str, dict[str, Any]] = {
    "sgd": {"training": {"method": "sgd"}},
    "adamw": {"training": {"method": "adamw"}},
    "network": {"model": {"kind": "embedding_net"}, "training": {"method": "adamw"}},
    "svdpp": {"model": {"kind": "svdpp"}, "training": {"method": "sgd"}},
    "gibbs": {"training": GIBBS},
    "gibbs, svdpp with drift": {"model": {"kind": "svdpp", "user_drift": True}, "training": GIBBS},
    "gibbs, tobit": {"training": {**GIBBS, "likelihood": "tobit"}},
}


def trained(small: Callable[..., Config], form: dict[str, Any], splits: Splits) -> Learner:
    learner = build_learner(*plans(small(**form)), TrainingInputs(splits), ALONE)
    for _ in fit(learner):
        pass
    return learner


@pytest.mark.parametrize("name", FORMS)
def test_who_has_no_ratings_is_served_as_the_unknown(
    small: Callable[..., Config], partly_rated: Splits, name: str
) -> None:
    scorer: Any = trained(small, FORMS[name], partly_rated).scorer()
    for role, rows in (("user", UNRATED_USERS), ("item", UNRATED_ITEMS)):
        arrays = {key: array for key, array in vars(scorer).items() if key.startswith(role) and array is not None}
        assert arrays
        for key, array in arrays.items():
            others = np.delete(array[:-1], rows, axis=0)
            np.testing.assert_array_equal(array[rows], np.repeat(array[-1:], len(rows), axis=0))
            assert np.isfinite(array).all()
            if key != "user_std":  # which may be the same for all
                assert not (others == array[-1]).all(axis=tuple(range(1, array.ndim))).any()


@pytest.mark.parametrize("name", [name for name in FORMS if "tobit" not in name])
def test_the_unknown_are_the_mean_of_those_with_ratings(
    small: Callable[..., Config], partly_rated: Splits, name: str
) -> None:
    scorer: Any = trained(small, FORMS[name], partly_rated).scorer()
    for role, rows in (("user", UNRATED_USERS), ("item", UNRATED_ITEMS)):
        for key in (f"{role}_factors", f"{role}_bias", f"{role}_embedding"):
            array = getattr(scorer, key, None)
            if array is not None:
                mean = np.delete(array[:-1], rows, axis=0).mean(axis=0, dtype=np.float64)
                np.testing.assert_allclose(array[-1], mean, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", FORMS)
def test_rows_without_a_rating_change_no_bit(small: Callable[..., Config], partly_rated: Splits, name: str) -> None:
    train = partly_rated.train
    assert 0 < len(train.rated()) < len(train)
    without = replace(partly_rated, train=train.take(train.has_rating))
    whole, rated = (arrays_of(trained(small, FORMS[name], splits)) for splits in (partly_rated, without))
    assert whole.keys() == rated.keys()
    assert all(whole[key].tobytes() == rated[key].tobytes() for key in whole)


def arrays_of(learner: Learner) -> Arrays:
    return {**learner.state(1).model, **encode(learner.scorer()).arrays}


def test_rows_of_who_has_no_ratings_count_as_unknown(small: Callable[..., Config], partly_rated: Splits) -> None:
    inputs, test = TrainingInputs(partly_rated), partly_rated.test
    assert test is not None
    scores = RATING.evaluate(trained(small, FORMS["sgd"], partly_rated).scorer(), test, inputs.seen_ratings, ALONE)
    assert scores.counts["n_unknown_users"] == np.isin(test.user_idx, UNRATED_USERS).sum() > 0
    assert scores.counts["n_unknown_items"] == np.isin(test.item_idx, UNRATED_ITEMS).sum() > 0
    assert np.isfinite(list(scores.metrics.values())).all()


@pytest.mark.parametrize("name", ["sgd", "gibbs, svdpp with drift"])
def test_intervals_are_learned(small: Callable[..., Config], partly_rated: Splits, name: str) -> None:
    learner, test = trained(small, FORMS[name], partly_rated), partly_rated.test
    assert test is not None
    scorer = learner.scorer()
    intervals = learn_intervals(scorer, learner.samples, TrainingInputs(partly_rated))
    assert intervals is not None
    predicted = predict_intervals(scorer, intervals, 0.9, test.user_idx, test.item_idx, test.timestamp)
    assert np.isfinite(predicted.std).all()
