"""How users take to features: in the scores of items that features tell, and of no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.artifacts.check_arrays import check_arrays
from recsys.core.types import Arrays
from recsys.data.features.matrix import FeatureMatrix
from recsys.scoring.affinities import Affinities, weight_after
from recsys.scoring.codec import StoredScorer, decode, encode, layout
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.new_rows import NewRows

N_USERS, N_ITEMS = 3, 4
DRAW = np.random.default_rng(0)
USER = DRAW.normal(size=(N_USERS, 3)).astype(np.float32)
F = np.array([[2.0, 2.9, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]], np.float32)
"""Of three items, and of the last nothing is known; columns 1 and 3 count."""
G = np.array([[1.0, 2.9, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
PAIRS = [part.ravel().astype(np.int32) for part in np.meshgrid(np.arange(-1, N_USERS), np.arange(-1, N_ITEMS))]


def matrix(dense: np.ndarray) -> FeatureMatrix:
    row, column = np.nonzero(dense)
    return FeatureMatrix.of_entries(row, column, dense[row, column], dense.shape)


@pytest.fixture
def untold() -> Affinities:
    return Affinities.of(USER, np.array([1, 3], np.int32), N_ITEMS)


@pytest.fixture
def told(untold: Affinities) -> Affinities:
    return untold.told_by(np.array([3, 0, 1]), matrix(F))


@pytest.fixture
def factors() -> Factors:
    numbers = [DRAW.normal(size=shape).astype(np.float32) for shape in (4, 5, (4, 2), (5, 2))]
    return Factors(3.0, *numbers, Link("clip", 1.0, 5.0))


def expected() -> np.ndarray:
    """By user and item, with the unknown ones behind."""
    table = np.zeros((N_USERS + 1, N_ITEMS + 1), np.float32)
    table[:-1, [3, 0, 1]] = USER @ G.T
    return table


def test_items_that_features_tell_have_what_each_user_makes_of_them(told: Affinities) -> None:
    np.testing.assert_allclose(told.score(*PAIRS), expected()[PAIRS[0], PAIRS[1]], rtol=1e-6)
    assert told.score(*PAIRS).any()


def test_what_has_been_rated_since_has_less(untold: Affinities, told: Affinities) -> None:
    weight = weight_after(np.array([0, 2, 6]))
    assert weight.tolist() == pytest.approx([1, 0.75, 0.5])
    lighter = untold.told_by(np.array([3, 0, 1]), matrix(F), weight)
    of_item = np.ones(N_ITEMS + 1)
    of_item[[3, 0, 1]] = weight
    np.testing.assert_allclose(lighter.score(*PAIRS), told.score(*PAIRS) * of_item[PAIRS[1]], rtol=1e-6)


def test_other_items_have_nothing(untold: Affinities) -> None:
    assert not untold.score(*PAIRS).any()


def test_pairs_are_scored_by_features_before_there_is_an_item(untold: Affinities) -> None:
    users = np.array([0, 2, 1], np.int32)
    np.testing.assert_allclose(untold.of_features(users, matrix(F)), (USER[users] * G).sum(axis=1), rtol=1e-6)


def test_scores_to_rank_by_have_it_too_and_others_keep_their_bits(factors: Factors, told: Affinities) -> None:
    with_it, users = replace(factors, affinities=told), np.array([2, -1, 0], np.int32)
    before, after = factors.score_all(users), with_it.score_all(users)
    np.testing.assert_allclose(after - before, expected()[users, :-1], atol=1e-6)
    np.testing.assert_array_equal(after[:, 2], before[:, 2])
    tiles = [with_it.score_tile(users, part) for part in (slice(0, 1), slice(1, 4))]
    np.testing.assert_allclose(np.hstack(tiles), after, atol=1e-6)
    pairs = np.zeros(N_ITEMS, np.int32), np.arange(N_ITEMS, dtype=np.int32)
    np.testing.assert_allclose(with_it.score(*pairs), with_it.score_all(pairs[0][:1])[0], atol=1e-5)


def test_it_is_a_part_of_such_scores(factors: Factors, told: Affinities) -> None:
    with_it = replace(factors, affinities=told)
    parts = with_it.parts(1, 3)
    assert parts["feature_affinity"] == pytest.approx(float(expected()[1, 3]), rel=1e-5)
    score = with_it.score(np.array([1], np.int32), np.array([3], np.int32))[0]
    assert sum(parts.values()) == pytest.approx(score, abs=1e-6)
    assert "feature_affinity" not in with_it.parts(1, 2)


def test_those_of_other_rows_go_along(told: Affinities) -> None:
    users, items = np.array([2, -1], np.int32), np.array([3, -1, 2, 0, 1], np.int32)
    moved = told.with_rows(users, items)
    every = [part.ravel().astype(np.int32) for part in np.meshgrid(np.arange(2), np.arange(5))]
    np.testing.assert_array_equal(moved.score(*every), told.score(users[every[0]], items[every[1]]))
    assert not moved.score(np.full(6, -1, np.int32), np.arange(-1, 5, dtype=np.int32)).any()


def test_a_scorer_is_extended_with_items_that_features_tell(factors: Factors, untold: Affinities) -> None:
    source = np.array([0, 1, 2, 3, -1, -1], np.int32)
    new = NewRows(source, np.array([4, 5], np.int32), np.zeros((2, 3), np.float32), matrix(F[:2]))
    nobody = NewRows(np.arange(N_USERS, dtype=np.int32), np.empty(0, np.int32), np.empty((0, 0), np.float32))
    extended = replace(factors, affinities=untold).extended(nobody, new)
    assert extended.affinities is not None
    items = np.array([4, 5, 0, -1], np.int32)
    added = extended.affinities.score(np.ones(4, np.int32), items)
    np.testing.assert_allclose(added, [*(USER[1] @ G[:2].T), 0, 0], rtol=1e-6)


def test_they_are_stored_and_come_back(factors: Factors, told: Affinities) -> None:
    stored = encode(replace(factors, affinities=told))
    again = opened(stored.arrays, factors.link)
    np.testing.assert_array_equal(again.score(*PAIRS), replace(factors, affinities=told).score(*PAIRS))
    assert again.affinities is not None
    np.testing.assert_array_equal(again.affinities.features, told.features)
    assert opened(encode(factors).arrays, factors.link).affinities is None


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("features", [1, 4], "not a number from 0 to 3"),
        ("features", [3, 1], "does not rise"),
        ("column", None, "do not rise"),
        ("start", [0, 1, 1, 1, 1, 2], "does not rise from 0 to 4"),
        ("value", [np.nan] * 4, "holds nan"),
        ("user", None, "lacks the array"),
    ],
)
def test_what_cannot_be_is_refused(
    factors: Factors, told: Affinities, name: str, values: list[float] | None, what: str
) -> None:
    arrays = dict(encode(replace(factors, affinities=told)).arrays)
    key = f"affinities.{name}"
    if values is not None:
        arrays[key] = np.array(values, arrays[key].dtype)
    elif name == "user":
        del arrays[key]
    else:
        arrays[key] = arrays[key][::-1].copy()
    with pytest.raises(ValueError, match=what):
        opened(arrays, factors.link)


def opened(arrays: Arrays, link: Link) -> Factors:
    """The scorer of a serving folder whose items have four columns of features."""
    check_arrays(arrays, layout("factors"), {"n_users": N_USERS, "n_items": N_ITEMS, "n_item_features": F.shape[1]})
    scorer = decode(StoredScorer("factors", arrays, link, {"global_mean": 3.0}))
    assert isinstance(scorer, Factors)
    return scorer
