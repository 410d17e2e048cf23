from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.evaluation import baselines

Rated = Callable[..., Interactions]


@pytest.fixture
def train(rated: Rated) -> Interactions:
    """Mean 3; item a has 5 and 4, item b 2 and 1."""
    return rated([("ann", "a", 5.0), ("bob", "a", 4.0), ("ann", "b", 2.0), ("bob", "b", 1.0)])


def test_the_global_mean_is_predicted_for_everybody(train: Interactions) -> None:
    users, items = np.array([0, 1, -1], dtype=np.int32), np.array([0, -1, -1], dtype=np.int32)
    assert baselines.global_mean(train).rate(users, items).tolist() == [3.0, 3.0, 3.0]


def test_biases_are_damped_means(train: Interactions) -> None:
    # damping 2: item a (2 + 1) / (2 + 2), item b −that; then ann (2 − .75 − 1 + .75) / 4, bob −that
    fitted = baselines.biases(train, damping=2.0)
    np.testing.assert_allclose(fitted.item_bias, [0.75, -0.75, 0.0])
    np.testing.assert_allclose(fitted.user_bias, [0.25, -0.25, 0.0])


def test_user_biases_are_means_of_what_items_leave_over(rated: Rated) -> None:
    # mean 11/3, damping 2: item a (4/3 + 1/3) / 4, item b −5/3 / 3; ann (11/12 − 10/9) / 4, bob −1/12 / 3
    fitted = baselines.biases(rated([("ann", "a", 5.0), ("bob", "a", 4.0), ("ann", "b", 2.0)]), damping=2.0)
    np.testing.assert_allclose(fitted.item_bias, [5 / 12, -5 / 9, 0.0], rtol=1e-6)
    np.testing.assert_allclose(fitted.user_bias, [-7 / 144, -1 / 36, 0.0], rtol=1e-5)


def test_without_damping_biases_are_means(train: Interactions) -> None:
    fitted = baselines.biases(train, damping=0.0)
    np.testing.assert_allclose(fitted.item_bias, [1.5, -1.5, 0.0])
    np.testing.assert_allclose(fitted.user_bias, [0.5, -0.5, 0.0])


def test_the_default_damping_is_that_of_lenskit(train: Interactions) -> None:
    np.testing.assert_allclose(baselines.biases(train).item_bias, [3 / 7, -3 / 7, 0.0], rtol=1e-6)


def test_an_unknown_user_or_item_has_no_bias(train: Interactions) -> None:
    fitted = baselines.biases(train, damping=2.0)
    users, items = np.array([-1, 0, -1], dtype=np.int32), np.array([0, -1, -1], dtype=np.int32)
    np.testing.assert_allclose(fitted.rate(users, items), [3.75, 3.25, 3.0])


def test_predictions_stay_on_the_scale_that_was_seen(rated: Rated) -> None:
    train = rated([(1, 1, 5.0), (1, 2, 5.0), (2, 1, 5.0), (2, 2, 1.0)])
    fitted = baselines.biases(train, damping=0.0)
    rating = fitted.rate(np.array([0], dtype=np.int32), np.array([0], dtype=np.int32))
    assert fitted.score(np.array([0]), np.array([0]))[0] > 5
    assert rating.tolist() == [5.0]


def test_fitting_leaves_the_ratings_as_they_are(train: Interactions) -> None:
    baselines.biases(train)
    assert train.rating.tolist() == [5, 4, 2, 1]
