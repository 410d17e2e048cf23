from __future__ import annotations

import numpy as np
import pytest

from recsys.training.ials.rules import auto_embedding_dim, auto_regularization, auto_unobserved_weight

USERS, ITEMS = np.array([6, 0, 2]), np.array([1, 3, 0, 4])


@pytest.mark.parametrize(
    ("n_items", "dim"),
    [(1, 128), (5_000, 128), (6_000, 128), (9_066, 256), (15_000, 384), (20_000, 512), (10**7, 512)],
)
def test_the_dim_grows_with_the_catalogue(n_items: int, dim: int) -> None:
    assert auto_embedding_dim(n_items) == dim


def test_all_pairs_together_weigh_eight_times_as_much_as_the_interactions() -> None:
    assert auto_unobserved_weight(USERS, ITEMS) * 2 * 3 == pytest.approx(8 * 8)


def test_regularization_follows_the_interactions_of_users_and_items_that_have_any() -> None:
    assert auto_regularization(USERS, ITEMS, 8 * 8 / 6) == pytest.approx(0.85 / (9 * (4 * 8 / 3) ** 0.25))
    assert auto_regularization(USERS, ITEMS, 2 * 8 / 6) == pytest.approx(0.85 / (3 * (4 * 8 / 3) ** 0.25))
