"""How users take to features, told by what is left of their ratings."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from recsys.data.features.encoder import FeatureEncoder, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.link import Link
from recsys.training import affinities as module
from recsys.training.affinities import with_affinities, with_room_for_affinities
from recsys.training.gibbs import rows as ridge
from recsys.training.gibbs.rows import ridge_rows, with_ones

N_USERS, N_ITEMS, N_FEATURES = 70, 40, 5
TERMS = tuple("abcde")


@pytest.fixture(scope="module")
def inputs() -> TrainingInputs:
    """Ratings of all users but the first; the last two items have no features."""
    draw = np.random.default_rng(1)
    user, item = np.divmod(draw.permutation(N_USERS * N_ITEMS)[:900].astype(np.int32), np.int32(N_ITEMS))
    rating = draw.integers(1, 6, 900).astype(np.float32)
    rating[user == 0] = np.nan
    train = Interactions(user, item, rating, draw.uniform(0, 1e6, 900), *_ids())
    dense = np.where(draw.random((N_ITEMS, N_FEATURES)) < 0.5, 0.7, 0.0)
    dense[-2:] = 0
    row, column = np.nonzero(dense)
    matrix = FeatureMatrix.of_entries(row, column, dense[row, column], dense.shape)
    features = Features(train.items, FeatureEncoder("item", (TermsColumn("kind", "list", "|", TERMS),)), matrix)
    return TrainingInputs(Splits(train, None, None), item_features=features)


def _ids() -> tuple[Vocabulary, Vocabulary]:
    return Vocabulary(np.arange(N_USERS)), Vocabulary(np.arange(N_ITEMS))


@pytest.fixture(scope="module")
def factors() -> Factors:
    draw = np.random.default_rng(2)
    shapes = (N_USERS + 1, N_ITEMS + 1, (N_USERS + 1, 3), (N_ITEMS + 1, 3))
    return Factors(3.0, *(0.3 * draw.normal(size=shape).astype(np.float32) for shape in shapes), Link("clip", 1.0, 5.0))


@pytest.fixture(scope="module")
def prior(factors: Factors, inputs: TrainingInputs) -> FeaturePrior:
    counts = {"user": inputs.train.user_counts, "item": inputs.train.item_counts}
    return fit_priors(factors, counts, inputs.ids, inputs.features)["item"]  # type: ignore[arg-type]


def expected(factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, variance: float) -> np.ndarray:
    """By the formula, in float64, user by user: constant and slopes."""
    train, features = inputs.train, inputs.feature_matrices()["item"]
    dense, counts = features.dense().astype(np.float64), np.where(features.has_any, train.item_counts, 0)
    mean = counts @ dense / counts.sum()
    scale = 1 / np.sqrt((counts @ (dense - mean) ** 2 / counts.sum()).sum())
    rows = factors.item_bias.copy(), factors.item_factors.copy()
    rows[0][:-1], rows[1][:-1] = prior.rows(features)[:, 0], prior.rows(features)[:, 1:]
    told = replace(factors, item_bias=rows[0], item_factors=rows[1])
    rest = train.rating - told.rate(train.user_idx, train.item_idx, train.timestamp)
    penalty = np.diag([*np.full(N_FEATURES, 1 / variance), 1 / module.OFFSET])
    solved = np.zeros((N_USERS, 1 + N_FEATURES))
    for user in range(N_USERS):
        own = (train.user_idx == user) & features.has_any[train.item_idx]
        g = np.column_stack([scale * (dense[train.item_idx[own]] - mean), np.ones(own.sum())])
        *x, c = np.linalg.solve(g.T @ g + penalty, g.T @ rest[own])
        solved[user] = [c - scale * np.array(x) @ mean, *(scale * np.array(x))]
    return solved


def affinities(factors: Factors, prior: FeaturePrior, inputs: TrainingInputs) -> np.ndarray:
    found = with_affinities(factors, prior, inputs)
    assert isinstance(found, Factors)
    assert found.affinities is not None
    assert found.affinities.features.tolist() == list(range(N_FEATURES))
    assert not found.affinities.item.has_any.any()
    assert not found.affinities.user[-1].any()
    return found.affinities.user[:-1]


def test_they_are_the_ridge_of_what_training_leaves(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VARIANCES", (0.02,))
    rows = affinities(factors, prior, inputs)
    np.testing.assert_allclose(rows, expected(factors, prior, inputs, 0.02 * module.SEEN), atol=2e-6)
    assert not rows[0].any()
    assert np.abs(rows[1:]).max() > 0.05


@pytest.mark.parametrize("most", [1, 100])
def test_they_have_the_same_bits_by_any_number_of_ratings_at_once_and_of_threads(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = affinities(factors, prior, inputs)
    monkeypatch.setattr(module, "PIECE", most)
    monkeypatch.setattr(ridge, "usable_cores", lambda: 3)
    np.testing.assert_array_equal(affinities(factors, prior, inputs), whole)


def test_what_drifts_is_no_affinity(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VARIANCES", (0.02,))
    n = N_USERS + 1
    moments = np.minimum(np.arange(n + 1), N_USERS)
    numbers = np.full((N_USERS, 1), 0.5, np.float32), np.zeros(N_USERS, np.float32), np.array([1e5]), np.array([0.2])
    drifting = replace(factors, drift=Drift(moments, np.full(N_USERS, 5e5), *numbers, np.ones(n, np.float32)))
    rows = affinities(drifting, prior, inputs)
    np.testing.assert_allclose(rows, expected(drifting, prior, inputs, 0.02 * module.SEEN), atol=2e-6)
    assert np.abs(rows - affinities(factors, prior, inputs)).max() > 1e-3


def test_the_columns_that_vary_most_are_taken(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FEATURES", 2)
    found = with_affinities(factors, prior, inputs)
    assert isinstance(found, Factors)
    assert found.affinities is not None
    features, counts = inputs.feature_matrices()["item"], inputs.train.item_counts * np.array([1.0] * 38 + [0, 0])
    dense = features.dense()
    variance = counts @ (dense - counts @ dense / counts.sum()) ** 2
    assert found.affinities.features.tolist() == np.sort(np.argsort(variance)[-2:]).tolist()
    assert found.affinities.user.shape == (N_USERS + 1, 3)


def test_what_hardly_varies_among_rated_items_says_nothing_of_others(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs
) -> None:
    """Rated items cost about the same, and most of the catalogue costs more or less."""
    features, draw = inputs.item_features, np.random.default_rng(3)
    assert features is not None
    price = np.append(1 + 1e-4 * draw.random(N_ITEMS), draw.uniform(-3, 3, 300))
    n = len(price)
    matrix = FeatureMatrix.of_entries(np.arange(n), np.zeros(n, int), price, (n, N_FEATURES))
    priced = replace(features, ids=Vocabulary(np.arange(n)), matrix=matrix)
    found = with_affinities(factors, prior, replace(inputs, item_features=priced))
    assert isinstance(found, Factors)
    assert found.affinities is not None
    constant, slope = found.affinities.user[:-1].T
    of_all = constant[:, None] + slope[:, None] * price
    assert np.abs(of_all).max() < 1
    assert np.ptp(of_all, axis=1).max() < 0.1 * np.ptp(of_all[:, 0])


def test_there_are_none_where_nothing_tells_items_apart_or_scores_are_not_linear(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs
) -> None:
    features = inputs.item_features
    assert features is not None
    alike = FeatureMatrix.of_entries(np.arange(N_ITEMS), np.zeros(N_ITEMS, int), np.ones(N_ITEMS), (N_ITEMS, 5))
    for scorer, given in (
        (factors, replace(inputs, item_features=None)),
        (factors, replace(inputs, item_features=replace(features, matrix=alike))),
        (replace(factors, link=Link("sigmoid", 1.0, 5.0)), inputs),
    ):
        assert with_affinities(scorer, prior, given) is scorer
        assert with_room_for_affinities(scorer, given) is scorer


def test_room_for_them_is_as_large_as_they_are(factors: Factors, prior: FeaturePrior, inputs: TrainingInputs) -> None:
    room, found = with_room_for_affinities(factors, inputs), with_affinities(factors, prior, inputs)
    assert isinstance(room, Factors)
    assert isinstance(found, Factors)
    assert room.affinities is not None
    assert found.affinities is not None
    assert room.affinities.user.shape == found.affinities.user.shape
    assert room.affinities.item.start.tolist() == found.affinities.item.start.tolist()


@pytest.mark.parametrize(("strength", "steps"), [(0.0, range(4)), (0.05, range(4, 8)), (0.4, range(8, 9))])
def test_their_variance_is_told_by_items_that_they_have_not_seen(
    factors: Factors, prior: FeaturePrior, inputs: TrainingInputs, strength: float, steps: range
) -> None:
    """Users take to features with a share of the variance of the noise, or not at all."""
    draw = np.random.default_rng(5)
    features = inputs.feature_matrices()["item"]
    scale = module._Scale.of(inputs)
    assert scale is not None
    user, item = np.divmod(np.arange(N_USERS * N_ITEMS, dtype=np.int32), np.int32(N_ITEMS))
    told = module._as_new(factors, prior, features)
    x = np.sqrt(strength) * draw.normal(size=(N_USERS, N_FEATURES))
    rest = (x[user] * scale.standardised()[item]).sum(axis=1) + draw.normal(size=len(user))
    rating = (told.rate(user, item) + rest).astype(np.float32)
    planted = replace(inputs, splits=Splits(Interactions(user, item, rating, None, *_ids()), None, None))
    rests = [module._Rest.of(*part, told, scale) for part in module._by_user(planted, with_times=False)()]
    variance = module._best_variance(rests, with_ones(scale.standardised()), N_FEATURES)
    assert variance in [module.SEEN * module.VARIANCES[step] for step in steps]


@pytest.mark.parametrize("width", [1, 7, 16, 32, 33])
def test_rows_are_solved_as_a_dense_ridge(width: int) -> None:
    draw = np.random.default_rng(width)
    counts = draw.integers(0, 90, 75)
    idx = draw.integers(0, 30, counts.sum()).astype(np.int32)
    target, g = draw.normal(size=len(idx)).astype(np.float32), draw.normal(size=(30, width)).astype(np.float32)
    start = np.append(0, np.cumsum(counts))
    precision = np.append(np.full(width, 10.0), 4.0)
    found, g = ridge_rows(counts, idx, target, with_ones(g), precision), np.column_stack([g, np.ones(30)])
    assert found.shape == (75, width + 1)
    for user, (begin, end) in enumerate(pairwise(start.tolist())):
        own = g[idx[begin:end]].astype(np.float64)
        solved = np.linalg.solve(own.T @ own + np.diag(precision), own.T @ target[begin:end])
        np.testing.assert_allclose(found[user], solved, atol=2e-6)
