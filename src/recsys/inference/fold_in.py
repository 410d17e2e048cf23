"""Embeddings of new users and items from their ratings, everything else fixed: an exact least squares solve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import RunError
from recsys.core.threads import usable_cores
from recsys.core.types import Array, Float32Array, Float64Array
from recsys.core.words import joined, shell_word
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions
from recsys.data.scale import Censoring
from recsys.models.specs import kinds_served_by
from recsys.scoring.censored_normal import mean_beyond
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.feature_prior.prior import FeaturePrior

# Training residuals understate the noise, because the parameters were fitted to them (docs/experiments/fold-in.md).
NOISE = 1.5
FEATURED = 0.75  # of that noise, where features tell the mean (docs/experiments/features.md)
SAMPLED = 50_000  # training ratings that tell the noise, where there are more
SAMPLED_ROWS = 20_000  # known rows that tell the prior: a visitor waits for it once
BLOCK = 1 << 20  # numbers at once in each thread: 8 MB
THREADS = usable_cores()
N_ROUNDS = 10  # of expectation-maximisation: scores then move by 1% of the noise or less


@dataclass(frozen=True, eq=False)
class FixedRows:
    """The rows [bias, factors] of all known users, or of all known items; float32, shapes (n,) and (n, dim)."""

    bias: Float32Array
    factors: Float32Array

    @classmethod
    def users(cls, factors: Factors) -> FixedRows:
        """The known users."""
        return cls(factors.user_bias[:-1], factors.user_factors[:-1])

    @classmethod
    def items(cls, factors: Factors) -> FixedRows:
        """The known items."""
        return cls(factors.item_bias[:-1], factors.item_factors[:-1])


@dataclass(frozen=True, eq=False)
class Prior:
    """What a row [bias, factors] is before there are ratings: normal, as the known rows are.

    Attributes:
        mean: float64, shape (1 + dim,); or that of each of n new rows, shape (n, 1 + dim).
        root: float64, shape (1 + dim, 1 + dim); root @ root.T is the covariance.
        noise: variance of a rating around its prediction, in squared rating units.
        censoring: the end of the scale at which a rating only says that the score is beyond it, if there is one.
    """

    mean: Float64Array
    root: Float64Array
    noise: float
    censoring: Censoring | None = None


def prior_of(known: FixedRows, counts: Array, noise: float) -> Prior:
    """Mean and covariance of the known rows, each as often as it has ratings: those with few say little.

    Of very many rows, evenly spaced ones that have ratings stand for all.

    Args:
        known: the rows on the side of the new ones.
        counts: training ratings of each, int64, shape (n,), not all 0.
        noise: variance of a rating around its prediction.
    Raises:
        ValueError: the rows are so large that this overflows.
    """
    rated = np.flatnonzero(counts)
    some = rated[:: len(rated) // SAMPLED_ROWS] if len(rated) > SAMPLED_ROWS else slice(None)
    rows = np.concatenate([known.bias[some, None], known.factors[some]], axis=1)
    weighted = rows * (counts[some] / counts[some].sum()).astype(np.float32)[:, None]
    mean, moment = weighted.sum(axis=0, dtype=np.float64), weighted.T @ rows
    covariance = moment - np.outer(mean, mean)
    if not (np.isfinite(covariance).all() and math.isfinite(noise)):
        raise ValueError("its rows are too large for what a new row is to be told by them")
    variance, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(variance.clip(min=0.0))
    root[np.diag(moment) == 0.0] = 0.0  # a model without biases: exactly none
    return Prior(mean, root, noise)


def solve(
    prior: Prior,
    global_mean: float,
    other: FixedRows,
    codes: Array,
    other_idx: Array,
    rating: Array,
    offset: Array | float = 0.0,
) -> Float32Array:
    """The most probable row x = [bias, factors] of each new user (or item) given their ratings.

    See `_solve` for these as they are. Those in a pile count for what is expected of them beyond the limit, given the
    row, and the row is solved for again (expectation-maximisation).

    Args:
        other: the fixed rows.
        codes: which new one each rating is of, 0 to n − 1, each with at least one rating; shape (n_ratings,).
        other_idx: the index in `other` of each.
        rating: in rating units.
        offset: what the score of each rating has beside the global mean and what the two rows say, shape (n_ratings,).
    Returns:
        float32, shape (n, 1 + dim).
    """
    beside = global_mean + offset
    rows = _solve(prior, rating - beside, other, codes, other_idx)
    if prior.censoring is None:
        return rows
    is_at_limit, std = rating == np.float32(prior.censoring.end), math.sqrt(prior.noise)
    own, of = codes[is_at_limit], other_idx[is_at_limit]
    expected, offset_at_limit = np.array(rating, np.float64), np.broadcast_to(offset, rating.shape)[is_at_limit]
    for _ in range(N_ROUNDS):
        product = np.einsum("nf,nf->n", rows[own, 1:], other.factors[of])
        score = (global_mean + rows[own, 0] + other.bias[of] + product).astype(np.float64) + offset_at_limit
        expected[is_at_limit] = mean_beyond(score, std, prior.censoring.limit, prior.censoring.sign)
        rows = _solve(prior, expected - beside, other, codes, other_idx)
    return rows


def _solve(prior: Prior, rating: Array, other: FixedRows, codes: Array, other_idx: Array) -> Float32Array:
    """The most probable rows, where a rating is what the two rows say of it and normal noise.

    x = argmin Σ_j (r_j − c_j − b − p·q_j)² / noise + (x − mean)ᵀ covariance⁻¹ (x − mean), where c_j and q_j are the
    fixed bias and factors of the item (or user) of rating j. With the ratings' rows [1, q_j] times root as B, and the
    rest of each rating as y, x = mean + root Bᵀ(B Bᵀ + noise)⁻¹ y: n equations for n ratings, or 1 + dim of them in the
    form (Bᵀ B + noise)⁻¹ Bᵀ y, whichever are fewer.

    Source: Rasmussen, Williams 2006, "Gaussian Processes for Machine Learning", section 2.1.
    """
    used, position = np.unique(other_idx, return_inverse=True)
    bias, factors = other.bias[used].astype(np.float64), other.factors[used].astype(np.float64)
    spread = factors @ prior.root[1:] + prior.root[0]
    residual = rating - _expected(prior, bias, factors, position, codes)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    rows = np.empty((len(counts), len(prior.root)), dtype=np.float32)

    def solve_block(block: Array, length: int) -> None:
        at = np.arange(length)
        is_there = at < counts[block, None]
        of = order[np.where(is_there, starts[block, None] + at, 0)]
        b = spread[position[of]] * is_there[:, :, None]  # rows of zeros change nothing
        mean = prior.mean if prior.mean.ndim == 1 else prior.mean[block]
        rows[block] = mean + _whitened(b, (residual[of] * is_there)[:, :, None], prior.noise) @ prior.root.T

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(solve_block, *zip(*_blocks(counts, spread.shape[1]), strict=True)))
    return rows


def _expected(prior: Prior, bias: Array, factors: Array, position: Array, codes: Array) -> Float64Array:
    """c_j + b + p·q_j of each rating under the mean row, shape (n_ratings,)."""
    mean = prior.mean
    if mean.ndim == 1:
        return np.asarray((bias + factors @ mean[1:] + mean[0])[position])
    product = np.einsum("nf,nf->n", factors[position], mean[codes, 1:])
    return np.asarray(bias[position] + product + mean[codes, 0])


def linear_factors(bundle: Bundle) -> Factors:
    """The scorer, if new rows of it can be solved for.

    New users and items of svdpp have no implicit terms (docs/experiments/fold-in.md).

    Raises:
        RunError: its output is not linear.
    """
    factors = bundle.rating.as_factors()
    if factors is not None and can_fold_in(bundle):
        return factors
    run = bundle.run_folder
    update = f"recsys update --run {shell_word(str(run))} --ratings FILE"
    raise RunError(
        "new users and items cannot be folded into this model",
        where=str(run),
        expected=f"a model with linear output: model.kind {joined(kinds_served_by('factors'))}, without y_range",
        hint=f"train one of that kind, or go on training this one: {update}",
    )


def can_fold_in(bundle: Bundle) -> bool:
    """Whether the rating scorer is a dot product with linear output."""
    factors = bundle.rating.as_factors()
    return factors is not None and factors.link.kind != "sigmoid"


def user_prior(bundle: Bundle) -> Prior:
    """What a new user's row is before there are ratings."""
    return _prior(bundle, FixedRows.users(bundle.factors), bundle.counts["rating"].users)


def item_prior(bundle: Bundle) -> Prior:
    """What a new item's row is before there are ratings."""
    return _prior(bundle, FixedRows.items(bundle.factors), bundle.counts["rating"].items)


def _prior(bundle: Bundle, known: FixedRows, counts: Array) -> Prior:
    noise, censoring = noise_of(bundle.factors, bundle.seen.sample(SAMPLED).rated())
    with bundle.solving("rating"), np.errstate(over="ignore", invalid="ignore"):
        return replace(prior_of(known, counts, noise), censoring=censoring)


def with_features(prior: Prior, by_features: FeaturePrior, features: FeatureMatrix) -> Prior:
    """The prior of new rows with such features, one for each.

    Args:
        prior: without features. Of its noise a part was what the mean row leaves out.
    """
    noise = prior.noise if prior.censoring else FEATURED * prior.noise
    return replace(prior, mean=by_features.rows(features).astype(np.float64), root=by_features.root, noise=noise)


def noise_of(factors: Factors, known: Interactions) -> tuple[float, Censoring | None]:
    """The variance of a rating around its prediction, and the end of the scale that stands for scores beyond it.

    NOISE times the mean square of the training ratings' rest, but of a tobit link what it says.

    Args:
        known: training ratings.
    """
    if factors.link.kind == "tobit":
        return factors.link.std**2, Censoring.of(known.rating)
    rest = known.rating - factors.without_raters().score(known.user_idx, known.item_idx)
    least = 1e-6 * float(np.square(known.rating, dtype=np.float64).mean())  # where the rest is nothing
    return max(NOISE * float(np.square(rest, dtype=np.float64).mean()), least), None


def _blocks(counts: Array, width: int) -> Iterator[tuple[Array, int]]:
    """New ones of about equally many ratings, and how many rows hold the ratings of each of them."""
    step = 1 << np.maximum(np.frexp(counts)[1] - 3, 0)
    padded = -(-counts // step) * step  # at most a quarter more
    for length in np.unique(padded).tolist():
        members = np.flatnonzero(padded == length)
        at_once = max(1, BLOCK // (length * (width + min(length, width))))
        for start in range(0, len(members), at_once):
            yield members[start : start + at_once], length


def _whitened(b: Float64Array, residual: Float64Array, noise: float) -> Float64Array:
    """z = (Bᵀ B + noise)⁻¹ Bᵀ residual of each of several systems, shape (n, width)."""
    transposed = b.transpose(0, 2, 1)
    n_rows, width = b.shape[1:]
    if n_rows <= width:
        z = transposed @ np.linalg.solve(b @ transposed + noise * np.eye(n_rows), residual)
    else:
        z = np.linalg.solve(transposed @ b + noise * np.eye(width), transposed @ residual)
    return np.asarray(z[:, :, 0])
