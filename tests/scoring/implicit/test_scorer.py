from __future__ import annotations

import numpy as np

from recsys.data.grouped import GroupedView
from recsys.scoring.implicit.codec import decode, encode
from recsys.scoring.implicit.export import export
from recsys.scoring.implicit.popularity import popularity
from recsys.scoring.implicit.scorer import ImplicitFactors, implicit_factors
from recsys.scoring.implicit.targets import TargetTable

COUNTS = np.array([3, 1, 0, 2])
USERS = np.arange(3, dtype=np.int32)


def scorer(popularity_weight: float = 0.5) -> ImplicitFactors:
    random = np.random.default_rng(1)
    users, items = (random.normal(size=(n, 2)).astype(np.float32) for n in (3, 4))
    seen = GroupedView(np.array([0, 2, 4, 6]), np.array([0, 1, 0, 3, 0, 3], np.int32), None)
    targets = TargetTable.of(np.array([1.0, 2.0], np.float32), 0.5)
    return implicit_factors(users, items, seen, COUNTS, 0.1, 0.05, popularity_weight, targets)


def test_popularity_is_added_to_every_score() -> None:
    with_popularity, without = scorer(), scorer(0.0)
    added = with_popularity.score_all(USERS) - without.score_all(USERS)
    expected = 0.5 * popularity(COUNTS, 3, 0.1)
    np.testing.assert_allclose(added[:, [0, 1, 3]], np.tile(expected[[0, 1, 3]], (3, 1)), rtol=1e-5)
    pairs = np.repeat(USERS, 4), np.tile(np.arange(4, dtype=np.int32), 3)
    np.testing.assert_allclose(with_popularity.score(*pairs).reshape(3, 4), with_popularity.score_all(USERS), rtol=1e-5)
    np.testing.assert_allclose(
        with_popularity.score_tile(USERS, slice(1, 3)), with_popularity.score_all(USERS)[:, 1:3], rtol=1e-5
    )


def test_items_without_interactions_and_unknown_ones_have_the_mean_bias() -> None:
    bias = scorer().item_bias
    np.testing.assert_allclose(bias[[2, -1]], bias[[0, 1, 3]].mean(), rtol=1e-6)


def test_new_items_get_the_bias_of_their_interactions() -> None:
    fitted = scorer()
    np.testing.assert_array_equal(fitted.item_bias_of(COUNTS)[[0, 1, 3]], fitted.item_bias[[0, 1, 3]])


def test_it_is_stored_whole() -> None:
    fitted = scorer()
    read = decode(encode(fitted))
    np.testing.assert_array_equal(read.score_all(USERS), fitted.score_all(USERS))
    assert read.popularity_weight == 0.5


def test_an_export_scores_alike() -> None:
    fitted = scorer()
    exported = export(fitted)
    names = {rows.name: rows.array for rows in exported.rows}
    exec(exported.functions, names)  # what the README of the export says
    np.testing.assert_allclose(names["scores_of"](1), fitted.score_all(USERS[1:2])[0], rtol=1e-5)
