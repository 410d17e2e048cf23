from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from recsys.artifacts.bundle import open_bundle
from recsys.core.errors import RunError
from recsys.core.seeding import rng
from recsys.inference import fold_in
from recsys.inference.fold_in import FixedRows, Prior, linear_factors, prior_of, solve, user_prior

MEAN = 3.5


@pytest.fixture(scope="module")
def items() -> FixedRows:
    draw = rng(1, "items")
    return FixedRows(draw.normal(0, 0.3, 60).astype(np.float32), draw.normal(0, 0.5, (60, 7)).astype(np.float32))


@pytest.fixture(scope="module")
def prior() -> Prior:
    draw = rng(2, "prior")
    return Prior(draw.normal(size=8), draw.normal(size=(8, 8)), 0.7)


def by_normal_equations(prior: Prior, items: FixedRows, item_idx: np.ndarray, rating: np.ndarray) -> np.ndarray:
    rows = np.column_stack([np.ones(len(item_idx)), items.factors[item_idx]])
    precision = np.linalg.inv(prior.root @ prior.root.T)
    target = rows.T @ (rating - MEAN - items.bias[item_idx]) / prior.noise + precision @ prior.mean
    return np.linalg.solve(rows.T @ rows / prior.noise + precision, target)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 40])
def test_a_row_solves_the_normal_equations_whichever_form_is_smaller(n: int, items: FixedRows, prior: Prior) -> None:
    draw = rng(n, "one")
    item_idx, rating = draw.permutation(60)[:n], draw.normal(MEAN, 1, n)
    (row,) = solve(prior, MEAN, items, np.zeros(n, dtype=np.int64), item_idx, rating)
    assert_allclose(row, by_normal_equations(prior, items, item_idx, rating), rtol=1e-5, atol=1e-5)


def test_many_at_once_get_what_each_gets_alone(items: FixedRows, prior: Prior, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_in, "BLOCK", 400)  # so that there are several blocks of one length
    draw = rng(3, "many")
    counts = draw.integers(1, 30, 50)
    codes = draw.permutation(np.repeat(np.arange(50), counts))
    item_idx, rating = draw.integers(0, 60, len(codes)), draw.normal(MEAN, 1, len(codes))
    rows = solve(prior, MEAN, items, codes, item_idx, rating)
    assert rows.shape == (50, 8)
    for code, row in enumerate(rows):
        mine = codes == code
        assert_allclose(row, by_normal_equations(prior, items, item_idx[mine], rating[mine]), rtol=1e-4, atol=1e-5)


def test_the_prior_is_mean_and_covariance_with_rows_as_often_as_they_have_ratings(items: FixedRows) -> None:
    counts = rng(4, "counts").integers(1, 9, 60)
    prior = prior_of(items, counts, 0.5)
    repeated = np.repeat(np.column_stack([items.bias, items.factors]), counts, axis=0).astype(np.float64)
    assert_allclose(prior.mean, repeated.mean(axis=0), atol=1e-6)
    assert_allclose(prior.root @ prior.root.T, np.cov(repeated.T, bias=True), atol=1e-6)


def test_of_very_many_rows_some_that_have_ratings_stand_for_all(
    items: FixedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_in, "SAMPLED_ROWS", 10)
    counts = np.zeros(60, dtype=np.int64)
    counts[1:24:2] = 3  # none of the rows 0, 6, 12 …
    rows = np.column_stack([items.bias, items.factors])[1:24:2].astype(np.float64)
    assert_allclose(prior_of(items, counts, 0.5).mean, rows.mean(axis=0), atol=1e-6)


def test_rows_that_are_too_large_are_refused(items: FixedRows) -> None:
    huge = FixedRows(np.full_like(items.bias, 1e36), items.factors)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="too large"):
        prior_of(huge, np.ones(60, dtype=np.int64), 0.5)


def test_without_biases_a_new_bias_is_exactly_nothing(items: FixedRows) -> None:
    none = FixedRows(np.zeros_like(items.bias), items.factors)
    known = prior_of(none, np.ones(60, dtype=np.int64), 0.5)
    (row,) = solve(known, MEAN, none, np.zeros(5, dtype=np.int64), np.arange(5), np.array([1.0, 5, 4, 2, 5]))
    assert row[0] == 0
    assert np.abs(row[1:]).max() > 0.1


def test_planted_tastes_are_found_from_some_ratings() -> None:
    draw = rng(5, "planted")
    items = FixedRows(draw.normal(0, 0.4, 80).astype(np.float32), draw.normal(0, 0.8, (80, 3)).astype(np.float32))
    known = FixedRows(draw.normal(0, 0.4, 300).astype(np.float32), draw.normal(0, 0.8, (300, 3)).astype(np.float32))
    truth = draw.normal(0, [0.4, 0.8, 0.8, 0.8], (40, 4))
    clean = MEAN + items.bias + truth[:, :1] + truth[:, 1:] @ items.factors.T
    codes, item_idx = (grid.ravel() for grid in np.mgrid[0:40, 0:40])
    rating = clean[codes, item_idx] + draw.normal(0, 0.2, len(codes))
    rows = solve(prior_of(known, np.ones(300, dtype=np.int64), 0.04), MEAN, items, codes, item_idx, rating)
    predicted = MEAN + items.bias + rows[:, :1] + rows[:, 1:] @ items.factors.T
    unseen = np.s_[:, 40:]
    assert np.sqrt(np.mean((predicted - clean)[unseen] ** 2)) < 0.1
    assert np.std(clean[unseen]) > 1


def test_the_noise_is_told_by_the_training_ratings(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = open_bundle(finished)
    train = bundle.seen.interactions()
    rest = train.rating - bundle.factors.score(train.user_idx, train.item_idx)
    assert user_prior(bundle).noise == pytest.approx(1.5 * np.mean(rest**2), rel=1e-5)
    monkeypatch.setattr(fold_in, "SAMPLED", 200)
    sample = bundle.seen.sample(200)
    assert 200 <= len(sample) < 400
    assert user_prior(bundle).noise == pytest.approx(1.5 * np.mean(rest**2), rel=0.3)
    assert user_prior(bundle).mean.shape == (1 + bundle.factors.embedding_dim,)


@pytest.mark.parametrize("which", ["finished_text", "finished_net"])
def test_a_model_without_linear_output_is_refused_with_a_way_on(which: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(RunError, match="cannot be folded into") as caught:
        linear_factors(open_bundle(request.getfixturevalue(which)))
    assert "recsys update" in (caught.value.hint or "")
    assert "without y_range" in (caught.value.expected or "")
