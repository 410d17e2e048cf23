from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from recsys.artifacts.check_arrays import LayoutError, check_arrays
from recsys.core.seeding import rng
from recsys.core.threads import one_blas_thread
from recsys.data.features.matrix import FeatureMatrix
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.feature_prior.codec import LEAST_STRENGTH, prior_arrays, priors_from, priors_layout
from recsys.scoring.feature_prior.fit import Evidence, fit_feature_prior
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.link import Link
from recsys.scoring.new_rows import NewRows
from recsys.scoring.raters import Raters

N, N_FEATURES, WIDTH = 60, 5, 3


def matrix_of(dense: np.ndarray) -> FeatureMatrix:
    row, column = np.nonzero(dense)
    return FeatureMatrix.of_entries(row, column, dense[row, column], dense.shape)


@pytest.fixture(scope="module")
def dense() -> np.ndarray:
    return np.float32(rng(1, "features").normal(size=(N, N_FEATURES))).astype(np.float64)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return rng(2, "counts").integers(0, 40, N)


@pytest.fixture(scope="module")
def rows(dense: np.ndarray) -> np.ndarray:
    draw = rng(3, "rows")
    rows = 0.5 + dense @ draw.normal(size=(N_FEATURES, WIDTH)) + 0.7 * draw.normal(size=(N, WIDTH))
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def prior(rows: np.ndarray, counts: np.ndarray, dense: np.ndarray) -> FeaturePrior:
    fitted = fit_feature_prior(rows, counts, matrix_of(dense))
    assert fitted is not None
    return fitted


def log_density(rows: np.ndarray, counts: np.ndarray, dense: np.ndarray, strength: float) -> float:
    """log p(Q | λ) by its definition: rows of items that are normal together, their mean unknown."""
    known = counts > 0
    q, f, noise = rows[known].astype(np.float64), dense[known], np.diag(1 / counts[known])
    among = noise + f @ f.T / strength  # of the items, in units of Σ
    inverse = np.linalg.inv(among)
    ones = np.ones((len(q), 1))
    of_mean = ones.T @ inverse @ ones
    inverse -= inverse @ ones @ ones.T @ inverse / of_mean
    scatter = q.T @ inverse @ q
    weighted = np.sqrt(counts[known])[:, None] * (q - counts[known] @ q / counts[known].sum())
    scatter += np.diag(np.square(weighted).mean(axis=0))
    log_among = np.linalg.slogdet(among)[1] + np.log(of_mean[0, 0])
    return -0.5 * q.shape[1] * log_among - 0.5 * (len(q) - 1) * np.linalg.slogdet(scatter)[1]


@pytest.mark.parametrize("value", [1.0, 0.1])
def test_features_that_are_the_same_in_all_rows_say_nothing(rows: np.ndarray, counts: np.ndarray, value: float) -> None:
    weights = np.where(np.arange(N) % 2, 0.0, counts)
    prior = fit_feature_prior(rows, weights, matrix_of(np.full((N, 2), value)))
    assert prior is not None
    assert_allclose(prior.intercept, weights @ rows / weights.sum(), rtol=1e-5)
    assert not prior.weights.any()
    assert prior.strength > LEAST_STRENGTH


def test_weights_and_covariance_are_those_of_a_dense_ridge_by_ratings(
    prior: FeaturePrior, rows: np.ndarray, counts: np.ndarray, dense: np.ndarray
) -> None:
    centered = dense - counts @ dense / counts.sum()
    target = rows - counts @ rows / counts.sum()
    gram = centered.T @ (counts[:, None] * centered) + prior.strength * np.eye(N_FEATURES)
    weights = np.linalg.solve(gram, centered.T @ (counts[:, None] * target))
    rest = target - centered @ weights
    covariance = rest.T @ (counts[:, None] * rest) / counts.sum()
    assert_allclose(prior.weights, weights, rtol=1e-4, atol=1e-5)
    assert_allclose(prior.root @ prior.root.T, covariance, rtol=1e-4, atol=1e-5)
    assert_allclose(counts @ (prior.rows(matrix_of(dense)) - rows) / counts.sum(), 0, atol=1e-5)


def test_the_evidence_is_the_density_of_the_rows(rows: np.ndarray, counts: np.ndarray, dense: np.ndarray) -> None:
    weighted = np.sqrt(counts)[:, None]
    f, q = (weighted * (each - counts @ each / counts.sum()) for each in (dense, rows.astype(np.float64)))
    evidence = Evidence.of(f.T @ f, f.T @ q, q.T @ q, int((counts > 0).sum()))
    difference = evidence.log(3.0) - evidence.log(300.0)
    assert_allclose(difference, log_density(rows, counts, dense, 3.0) - log_density(rows, counts, dense, 300.0))


def test_the_strength_has_the_largest_density_of_all(
    prior: FeaturePrior, rows: np.ndarray, counts: np.ndarray, dense: np.ndarray
) -> None:
    best = log_density(rows, counts, dense, prior.strength)
    others = [log_density(rows, counts, dense, float(at)) for at in np.geomspace(1e-4, 1e6, 101)]
    assert best >= max(others) - 1e-6


def test_the_units_of_columns_change_nothing(
    prior: FeaturePrior, rows: np.ndarray, counts: np.ndarray, dense: np.ndarray
) -> None:
    """Biases grow with the unit of ratings, and factors with its root."""
    units = np.array([1e6, 1e3, 1e3], np.float32)
    fitted = fit_feature_prior(rows * units, counts, matrix_of(dense))
    assert fitted is not None
    assert_allclose(fitted.strength, prior.strength, rtol=1e-4)
    assert_allclose(fitted.weights / units, prior.weights, rtol=1e-4, atol=1e-7)
    assert_allclose(fitted.root @ fitted.root.T / np.outer(units, units), prior.root @ prior.root.T, rtol=1e-4)


def test_what_hardly_varies_among_rated_rows_says_nothing_of_others(counts: np.ndarray) -> None:
    draw = rng(5, "prices")
    rows = draw.normal(size=(N, WIDTH)).astype(np.float32)
    price, catalogue = 1 + 1e-4 * draw.random((N, 1)), matrix_of(draw.uniform(-3, 3, (300, 1)))
    prior = fit_feature_prior(rows, counts, matrix_of(price), catalogue=catalogue)
    assert prior is not None
    assert np.ptp(prior.rows(catalogue), axis=0).max() < 0.1
    wide = fit_feature_prior(rows, counts, matrix_of(price))
    assert wide is not None
    assert np.ptp(wide.rows(catalogue), axis=0).max() > 10
    same = fit_feature_prior(rows, counts, matrix_of(price), catalogue=matrix_of(price))
    assert same is not None
    assert same.strength == wide.strength


def test_features_that_say_nothing_get_no_weight(counts: np.ndarray, dense: np.ndarray) -> None:
    rows = rng(4, "of their own").normal(size=(N, WIDTH)).astype(np.float32)
    prior = fit_feature_prior(rows, counts, matrix_of(dense))
    assert prior is not None
    explained = prior.rows(matrix_of(dense)) - counts @ rows / counts.sum()
    assert np.square(explained).mean() < 0.05 * np.square(rows).mean()


def test_rows_without_ratings_or_without_features_do_not_count(
    rows: np.ndarray, counts: np.ndarray, dense: np.ndarray, prior: FeaturePrior
) -> None:
    changed = np.where(counts[:, None] > 0, rows, 99).astype(np.float32)
    more = np.concatenate([changed, np.full((2, WIDTH), 50, np.float32)])
    fitted = fit_feature_prior(more, np.append(counts, [7, 7]), matrix_of(dense).take(np.array([*range(N), -1, -1])))
    assert fitted is not None
    assert_allclose(fitted.weights, prior.weights, rtol=1e-6)
    assert_allclose(fitted.root, prior.root, rtol=1e-6)


def test_with_fewer_than_two_rows_there_is_no_prior(rows: np.ndarray, dense: np.ndarray) -> None:
    assert fit_feature_prior(rows, np.eye(N, dtype=np.int64)[0], matrix_of(dense)) is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rows_and_features_that_are_all_alike_have_a_prior(value: float) -> None:
    same = FeatureMatrix.of_entries(np.arange(4), np.zeros(4, np.int64), np.full(4, value), (4, 1))
    prior = fit_feature_prior(np.full((4, 2), 3.0, np.float32), np.ones(4, np.int64), same)
    assert prior is not None
    assert_allclose(prior.rows(same), 3.0)
    assert np.isfinite(prior.root).all()
    assert np.isfinite(prior.strength)


def test_fewer_rows_than_columns_have_a_prior(dense: np.ndarray, rows: np.ndarray) -> None:
    prior = fit_feature_prior(rows[:2], np.ones(2, np.int64), matrix_of(dense[:2]))
    assert prior is not None
    assert np.isfinite(prior.rows(matrix_of(dense))).all()


def test_what_never_varies_stays_as_it_is(counts: np.ndarray, dense: np.ndarray, rows: np.ndarray) -> None:
    without_bias = np.concatenate([np.zeros((N, 1), np.float32), rows], axis=1)
    prior = fit_feature_prior(without_bias, counts, matrix_of(dense))
    assert prior is not None
    assert not prior.rows(matrix_of(dense))[:, 0].any()
    assert not prior.root[0].any()


def test_the_prior_has_the_same_bits_with_any_number_of_threads(
    rows: np.ndarray, counts: np.ndarray, dense: np.ndarray
) -> None:
    with one_blas_thread():
        first, second = (fit_feature_prior(rows, counts, matrix_of(dense)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.root.tobytes() == second.root.tobytes()


def test_a_row_from_features_has_as_many_raters_as_those_that_it_is_made_of() -> None:
    raters = Raters(np.ones(3, np.float32), np.array([0, 4, 100, 0]), np.ones(3))
    zeros = {"user": np.zeros((3, 2), np.float32), "item": np.zeros((4, 2), np.float32)}
    biases = {role: rows[:, 0] for role, rows in zeros.items()}
    factors = Factors(
        0.0, biases["user"], biases["item"], zeros["user"], zeros["item"], Link("identity", 0, 0), raters=raters
    )
    source = np.array([0, 1, 2, -1, -1], np.int32)
    new = NewRows(source, np.array([3], np.int32), np.ones((1, 3), np.float32))
    extended = factors.extended(NewRows(np.arange(2, dtype=np.int32), new.idx[:0], new.rows[:0]), new)
    assert extended.raters is not None
    weighted = (4 / np.sqrt(4) + 100 / np.sqrt(100)) / 104
    assert extended.raters.item[3] == pytest.approx(weighted, rel=0.02)
    assert extended.raters.n_ratings[[0, 1, 2, 4, 5]].tolist() == [0, 4, 100, 0, 0]
    assert raters.n_ratings.tolist() == [0, 4, 100, 0]


def categories(n: int) -> np.ndarray:
    """Rows with some of three categories each, 1/√n of each as an encoder has them."""
    has = rng(5, "categories").random((n, 3)) < 0.5
    return np.float32(has / np.sqrt(np.maximum(has.sum(axis=1, keepdims=True), 1))).astype(np.float64)


def test_pairs_tell_what_categories_alone_do_not() -> None:
    dense, is_paired = categories(200), np.array([True, True, True])
    has = dense > 0
    rows = (has[:, :2].sum(axis=1) % 2)[:, None] + 0.1 * rng(6, "rows").normal(size=(200, 1))
    alone, paired = (
        fit_feature_prior(rows.astype(np.float32), np.ones(200), matrix_of(dense), given) for given in (None, is_paired)
    )
    assert alone is not None
    assert paired is not None
    assert alone.pairs.shape == (0, 2)
    assert paired.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert paired.weights.shape == (6, 1)
    rest = [np.std(rows - prior.rows(matrix_of(dense)), where=has.any(axis=1)[:, None]) for prior in (alone, paired)]
    assert rest[0] > 0.4
    assert rest[1] < 0.12


def test_without_pairs_a_prior_keeps_its_bits(prior: FeaturePrior, rows: np.ndarray, counts: np.ndarray) -> None:
    dense = np.float32(rng(1, "features").normal(size=(N, N_FEATURES))).astype(np.float64)
    again = fit_feature_prior(rows, counts, matrix_of(dense), np.zeros(N_FEATURES, dtype=bool))
    assert again is not None
    np.testing.assert_array_equal(again.weights, prior.weights)


def paired_prior(pairs: list[list[int]]) -> FeaturePrior:
    draw = rng(7, "prior")
    weights = draw.normal(size=(3 + len(pairs), 2)).astype(np.float32)
    return FeaturePrior(np.ones(2, np.float32), weights, np.eye(2), 1.0, np.array(pairs, np.int32).reshape(-1, 2))


@pytest.mark.parametrize("pairs", [[], [[0, 1], [0, 2], [1, 2]]])
def test_stored_priors_come_back(pairs: list[list[int]]) -> None:
    prior = paired_prior(pairs)
    arrays = prior_arrays({"ranking": {"item": prior}})
    assert len(arrays) == (6 if pairs else 4)
    check_arrays(arrays, priors_layout(["ranking"]), {"n_item_features": 3, "n_user_features": 0})
    read = priors_from(arrays, ["ranking"])["ranking"]["item"]
    features = matrix_of(categories(10))
    np.testing.assert_array_equal(read.rows(features), prior.rows(features))
    assert read.names(["a", "b", "c"]) == ["a", "b", "c", *(["a + b", "a + c", "b + c"] if pairs else [])]


@pytest.mark.parametrize("pairs", [[[0, 2], [0, 1]], [[1, 2], [0, 1]], [[0, 1], [0, 1]], [[1, 0]], [[1, 1]]])
def test_pairs_that_do_not_rise_are_refused(pairs: list[list[int]]) -> None:
    with pytest.raises(ValueError, match=r"'ranking.item.pairs' does not rise"):
        priors_from(prior_arrays({"ranking": {"item": paired_prior(pairs)}}), ["ranking"])


def test_a_pair_of_a_column_that_is_not_there_is_refused() -> None:
    arrays = prior_arrays({"ranking": {"item": paired_prior([[0, 3]])}})
    with pytest.raises(LayoutError, match=r"'ranking.item.pairs' holds 3"):
        check_arrays(arrays, priors_layout(["ranking"]), {"n_item_features": 3, "n_user_features": 0})
