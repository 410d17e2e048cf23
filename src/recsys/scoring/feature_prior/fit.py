"""Learns how rows go with features from the rows of who has ratings: a ridge regression that chooses its own strength.

With q_i the row of item i, f_i its features and n_i its weight, which of a rating scorer is the number of its ratings
(see TrainedScorer.row_weights):

    q_i = m + Bᵀf_i + e_i,  e_i ~ N(0, Σ/n_i),  each row of B ~ N(0, Σ/λ)

A row with many ratings says more. Of a ranking scorer f also has columns for pairs of categories, see
recsys.data.features.pairs. For a strength λ the most probable B
is (G + λ)⁻¹ C, where G = Σ n_i f̃ f̃ᵀ and C = Σ n_i f̃ q̃ᵀ over the items, and f̃, q̃ are their differences to the means by
ratings. λ is the one under which the rows are most probable, with B integrated out and Σ at its best:

    log p(Q | λ) = −k/2 Σ_j log(1 + s_j/λ) − (n − 1)/2 log|T − Rᵀ(S + λ)⁻¹R| + a constant

where G = V S Vᵀ, R = VᵀC, T = Σ n_i q̃ q̃ᵀ, k is the length of a row and n the number of items. Σ of the prior is the
covariance of what is left, by ratings: Σ_i n_i r_i r_iᵀ / Σ_i n_i. Where rated items vary much less in f than the
catalogue does, λ is larger, so that small differences do not tell of large ones.

Source: Minka 2000, "Bayesian linear regression" (MIT), sections 3 and 5; MacKay 1992, "Bayesian interpolation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.core.threads import one_blas_thread
from recsys.core.types import Array, BoolArray, Counts, Float32Array, Float64Array
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.pairs import frequent_pairs, no_pairs, with_pairs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.protocols import TrainedScorer

MOST_ROWS = 100_000  # of more rows, evenly spaced ones stand for all
WEAKEST, STRONGEST = 1e-6, 1e6  # λ that is tried, in units of the mean eigenvalue of G
SPREAD = 1e-3  # the least λ, in units of the mean eigenvalue if the catalogue were rated (docs/experiments/features.md)
N_COARSE, N_FINE = 49, 40  # steps of the search: on a grid, then by golden section between its neighbours
ROUNDING = 1e-12  # the least share of squares about the mean that is no error of rounding
GOLDEN = (5**0.5 - 1) / 2


@one_blas_thread()
def fit_priors(
    scorer: TrainedScorer,
    counts: Mapping[Role, Counts],
    ids: Mapping[Role, Vocabulary],
    features: Mapping[Role, Features],
) -> dict[Role, FeaturePrior]:
    """The priors of the users' and the items' rows, as far as there are linear rows and features.

    Where training itself has learned from features, they are what it has learned.

    Args:
        counts: what the scorer has learned of each.
        ids: that the scorer knows.
    """
    priors: dict[Role, FeaturePrior] = {}
    for role, of_role in features.items():
        prior = scorer.learned_prior(role)
        if prior is None and (rows := scorer.linear_rows(role)) is not None:
            weights, is_paired = scorer.row_weights(counts[role]), of_role.encoder.is_category & scorer.pairs_categories
            prior = fit_feature_prior(rows, weights, of_role.matrix_of(ids[role]), is_paired, of_role.matrix)
        if prior is not None:
            priors[role] = prior
    return priors


def fit_feature_prior(
    rows: Float32Array,
    weights: Float64Array,
    features: FeatureMatrix,
    is_paired: BoolArray | None = None,
    catalogue: FeatureMatrix | None = None,
) -> FeaturePrior | None:
    """The prior of rows with such features; None where fewer than two rows have a weight and features.

    Args:
        rows: q, shape (n, width).
        weights: how much each says, shape (n,); 0: nothing.
        features: of each, n rows.
        is_paired: the columns of which pairs are columns too, as far as they are frequent, bool; None: none.
        catalogue: of all that will be told by features; None: of `features` alone.
    """
    learned = np.flatnonzero((weights > 0) & features.has_any)
    learned = learned[:: max(1, len(learned) // MOST_ROWS)]
    if len(learned) < 2:
        return None
    known = features.take(learned)
    pairs = no_pairs() if is_paired is None else frequent_pairs(known, is_paired)
    known = with_pairs(known, pairs)
    q, weight = rows[learned].astype(np.float64), weights[learned].astype(np.float64)
    total = weight.sum()
    mean_row = weight @ q / total
    ones = np.ones((len(learned), 1))
    mean_features = known.cross(weight, ones)[:, 0] / total
    centered = q - mean_row
    centered[:, weight @ np.square(centered) <= ROUNDING * (weight @ np.square(q))] = 0.0
    raw = known.gram(weight)
    gram, cross = raw - total * np.outer(mean_features, mean_features), known.cross(weight, centered)
    if np.trace(gram) <= ROUNDING * np.trace(raw):  # all rows have the same features, which say nothing then
        gram, cross = np.zeros_like(gram), np.zeros_like(cross)
    evidence = Evidence.of(gram, cross, (centered * weight[:, None]).T @ centered, len(q))
    strength = evidence.most_probable()
    if catalogue is not None:
        strength = max(strength, SPREAD * total * _variance(catalogue) / known.n_columns)
    slopes = evidence.weights(strength).astype(np.float32)
    intercept = mean_row - mean_features @ slopes
    rest = centered - known.times(slopes.astype(np.float64)) + mean_features @ slopes
    covariance = (rest * weight[:, None]).T @ rest / total
    return FeaturePrior(intercept.astype(np.float32), slopes, root_of(covariance), strength, pairs)


def _variance(features: FeatureMatrix) -> float:
    """That of all columns together, over the rows that have features."""
    mean, square = features.moments(features.has_any.astype(np.float64))
    return float((square - mean**2).sum())


def root_of(covariance: Float64Array) -> Float64Array:
    """A root of a covariance; rows of zeros where a variance is 0, so that what never varies stays as it is."""
    variance, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(variance.clip(min=0.0))
    root[np.diag(covariance) == 0.0] = 0.0
    return np.asarray(root, np.float64)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What rows say of the strength λ, on the eigenvectors of G.

    Attributes:
        values, vectors: S and V, shapes (n_features,) and (n_features, n_features).
        rotated: R, shape (n_features, k).
        scatter: T, shape (k, k).
        n_rows: n.
    """

    values: Float64Array
    vectors: Float64Array
    rotated: Float64Array
    scatter: Float64Array
    n_rows: int

    @classmethod
    def of(cls, gram: Float64Array, cross: Float64Array, scatter: Float64Array, n_rows: int) -> Evidence:
        """Of G, C and T. T gets what one more row of mean size would add, so that few rows do not explain all.

        It is the size of each column: biases grow with the unit of ratings, factors with its root.
        """
        values, vectors = np.linalg.eigh(gram)
        one_row = np.diag(scatter) / n_rows + np.finfo(np.float64).tiny
        return cls(values.clip(min=0.0), vectors, vectors.T @ cross, scatter + np.diag(one_row), n_rows)

    def log(self, strength: float) -> float:
        """log p(Q | λ), but for a constant."""
        explained = self.rotated.T @ (self.rotated / (self.values + strength)[:, None])
        _, log_rest = np.linalg.slogdet(self.scatter - explained)
        width = len(self.scatter)
        return float(-0.5 * width * np.log1p(self.values / strength).sum() - 0.5 * (self.n_rows - 1) * log_rest)

    def most_probable(self) -> float:
        """The λ with the largest evidence: the best of a grid, then golden section between its neighbours."""
        unit = float(self.values.mean()) or 1.0
        grid = np.linspace(np.log(WEAKEST * unit), np.log(STRONGEST * unit), N_COARSE)
        best = int(np.argmax([self.log(float(np.exp(at))) for at in grid]))
        low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, N_COARSE - 1)])
        for _ in range(N_FINE):
            left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            if self.log(float(np.exp(left))) < self.log(float(np.exp(right))):
                low = left
            else:
                high = right
        return float(np.exp(0.5 * (low + high)))

    def weights(self, strength: float) -> Array:
        """B = V (S + λ)⁻¹ R, shape (n_features, k)."""
        return np.asarray(self.vectors @ (self.rotated / (self.values + strength)[:, None]))
