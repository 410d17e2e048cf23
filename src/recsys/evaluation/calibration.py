"""How wide intervals have to be, learned on valid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from statistics import NormalDist
from typing import TypeAlias

import numpy as np

from recsys.core.types import Array

LEVELS = np.append(
    np.arange(1, 200) / 200, [0.996, 0.997, 0.998, 0.999]
)  # whose factors are kept; between them, a line
N_ROUNDS = 8  # of reweighting and of evening; the coefficients stand still from the fifth on, the widths from the sixth
AS_THEY_ARE = np.zeros(1), np.ones(1)  # widths and `even`, where all intervals stay as wide as they are
N_FIFTHS = 5  # of the widths of intervals, each with its own factor
N_COEFFICIENTS = 8
WIDTH_REACH = NormalDist().inv_cdf(0.95)  # in standard deviations: widths are compared at a level of about 0.9
WIDTH_LEVELS = (0.8, 0.85, 0.9, 0.95)
CREDIBLE = 20  # errors of a group, from which on they count for more than those of all (experiments/even-intervals.md)
LEAST_EVEN, MOST_EVEN = 0.1, 10.0  # times a width, where most errors of a group, or of the others, are 0
CLEAR = 1e-7  # the least share that is no error of rounding


WidthOf: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """What a calibration goes by, of pairs; shapes (n,).

    Attributes:
        std: standard deviations as the model has them, or ones.
        n_user, n_item: training ratings of each one's user and item.
        spread: variances of these about their biases, or zeros.
    """

    std: Array
    n_user: Array
    n_item: Array
    spread: Array


@dataclass(frozen=True, eq=False)
class Calibration:
    """An interval is rating ± factor(level) · std, where std = even(width of rating ± WIDTH_REACH · std₁) · std₁.

    std₁² = std₀² · (c₀ + c₁ / (1 + n_user) + c₂ / (1 + n_item) + c₃ [n_user = 0] + c₄ [n_item = 0])
            + spread · (c₅ + c₆ / (1 + n_user) + c₇ / (1 + n_item))

    std₀ is what the model says of its own uncertainty, or 1; n are the training ratings of the user and the item;
    spread is the variance of training ratings of both about their biases. even(…) is linear between a few widths: where
    intervals hold more than they promise, as most of the narrow ones at the ends of the scale do, it is below 1.

    Attributes:
        coefficients: c, float64, shape (N_COEFFICIENTS,), none negative.
        factors: at the first of LEVELS, float64; the levels beyond take more ratings than there were.
        n_ratings: on which they stand; 0 for those of the normal distribution.
        widths, even: float64, shapes (n_widths,), at least one; the widths rise.
    """

    coefficients: Array
    factors: Array
    n_ratings: int
    widths: Array
    even: Array

    @property
    def highest_level(self) -> float:
        """The highest level that can be asked for; 0 if there is none."""
        return float(LEVELS[len(self.factors) - 1]) if len(self.factors) else 0.0

    def std(self, known: PairFeatures, width_of: WidthOf) -> Array:
        """The standard deviations of errors, float32, shape (n,).

        Args:
            width_of: (how far the intervals of these pairs reach to either side) → how wide they are on the scale.
        """
        std = np.sqrt(_columns(known) @ self.coefficients)
        return np.asarray(std * np.interp(width_of(WIDTH_REACH * std), self.widths, self.even), dtype=np.float32)

    def factor(self, level: float) -> float:
        """How many standard deviations an interval reaches to either side; `level` up to the highest."""
        assert 0 < level <= self.highest_level
        n = len(self.factors)
        return float(np.interp(level, np.append(0, LEVELS[:n]), np.append(0, self.factors)))


def normal() -> Calibration:
    """Standard deviations as the model has them, errors as the normal distribution has them."""
    factors = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS.tolist()])
    return Calibration(np.eye(N_COEFFICIENTS)[0], factors, 0, *AS_THEY_ARE)


def calibrate(error: Array, known: PairFeatures, width_of: WidthOf) -> Calibration:
    """Coefficients that fit the squared errors, and then the factors that cover the share of errors that they promise.

    The factor at a level is the ⌈(n + 1) · level⌉-th smallest |error| / std: an interval for a further rating of the
    same kind then covers it with at least that probability (split conformal prediction; what else is fitted on the same
    ratings takes a little of that away).

    Args:
        error: of ratings that the model was not trained on, at least one, float, shape (n,).
        width_of: as of `Calibration.std`, of these ratings.

    Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive inference for regression"
    (JASA).
    """
    columns = _columns(known)
    coefficients = _fit(columns, np.square(error, dtype=np.float64))
    uneven = np.sqrt(columns @ coefficients)
    widths, even = _evened(np.abs(error) / uneven, width_of(WIDTH_REACH * uneven))
    unscaled = Calibration(coefficients, np.empty(0), len(error), widths, even)
    score = np.sort(np.abs(error) / unscaled.std(known, width_of))
    return replace(unscaled, factors=score[_ranks(len(error)) - 1].astype(np.float64))


def n_levels(n_ratings: int) -> int:
    """How many of LEVELS a calibration on so many ratings has a factor for; one on none has that of all."""
    return len(_ranks(n_ratings)) if n_ratings else len(LEVELS)


def _evened(score: Array, width: Array) -> tuple[Array, Array]:
    """By fifths of the widths: their means, and the factor by which errors of each reach as far as those of all.

    A round multiplies it by the mean ratio of quantiles at WIDTH_LEVELS. One alone would leave too much, since between
    the means of two fifths their factors mix. Where a fifth has few errors, its factor is drawn to 1.

    Args:
        score: |error| / std of each, shape (n,).
    """
    fifth = np.searchsorted(np.quantile(width, np.arange(1, N_FIFTHS) / N_FIFTHS), width)
    members = [np.flatnonzero(fifth == number) for number in np.unique(fifth).tolist()]
    widths, n = np.array([width[rows].mean() for rows in members]), np.array([len(rows) for rows in members])
    even = np.ones(len(members))
    for _ in range(N_ROUNDS):
        evened = score / np.interp(width, widths, even)
        of_all = _quantiles(evened)
        of_members = np.array([_quantiles(evened[rows]) for rows in members])
        ratio = np.divide(of_members, of_all, out=np.ones_like(of_members), where=of_all > 0).mean(axis=1)
        even = np.clip(even * ratio, LEAST_EVEN, MOST_EVEN)
    return widths, even ** (n / (n + CREDIBLE))


def _quantiles(score: Array) -> Array:
    """The scores at WIDTH_LEVELS."""
    rank = np.ceil((len(score) + 1) * np.array(WIDTH_LEVELS) - 1e-9).astype(np.int64)
    return np.asarray(np.sort(score)[np.minimum(rank, len(score)) - 1])


def _ranks(n: int) -> Array:
    """The rank of the factor at each of the levels that n errors allow for."""
    rank = np.ceil((n + 1) * LEVELS - 1e-9).astype(np.int64)
    return np.asarray(rank[rank <= n])


def _columns(known: PairFeatures) -> Array:
    """What the coefficients are of, float64, shape (n, N_COEFFICIENTS)."""
    rarity = np.stack([np.ones(len(known.n_user)), 1 / (1 + known.n_user), 1 / (1 + known.n_item)], axis=1)
    is_unknown = np.stack([known.n_user == 0, known.n_item == 0], axis=1)
    variance, spread = np.square(known.std, dtype=np.float64)[:, None], known.spread[:, None]
    return np.hstack([variance * rarity, variance * is_unknown, spread * rarity])


def _fit(columns: Array, square: Array) -> Array:
    """c ≥ 0 with columns @ c near the squares, each weighted by the inverse of what is expected, squared.

    A squared error scatters in proportion to its expectation, so that rare and frequent users count alike. Where the
    squares are all 0, c₀ is a number so small that nothing is divided by 0.
    """
    least = float(np.finfo(np.float32).tiny)
    expected = np.full(len(square), max(float(square.mean()), least))
    coefficients = np.zeros(columns.shape[1])
    for _ in range(N_ROUNDS):
        coefficients = _not_negative(columns / expected[:, None], square / expected)
        coefficients[0] = max(coefficients[0], least)
        expected = columns @ coefficients
    return coefficients


def _not_negative(columns: Array, target: Array) -> Array:
    """The c ≥ 0 that minimises |columns @ c − target|²: the best of the solutions that leave some of them at 0."""
    coefficients, used = np.zeros(columns.shape[1]), columns.any(axis=0)
    if used.any():
        coefficients[used] = _best_choice(columns[:, used], target)
    return coefficients


def _best_choice(columns: Array, target: Array) -> Array:
    gram, right = columns.T @ columns, columns.T @ target
    best, least = np.zeros(len(right)), 0.0
    for chosen in _promising(gram, right):
        solved = np.linalg.lstsq(gram[np.ix_(chosen, chosen)], right[chosen], rcond=None)[0]
        loss = -float(solved @ right[chosen])  # |…|² less what does not depend on c, at a minimum
        if loss < least and (solved >= 0).all():
            best, least = np.zeros(len(right)), loss
            best[chosen] = solved
    return best


def _promising(gram: Array, right: Array) -> Array:
    """The choices of what is not 0 of which one may be the best, as masks, the smaller ones first.

    All are solved at once, which is less exact: whatever that leaves open is among them.
    """
    masks = _masks(len(right))
    grams = np.where(masks[:, :, None] & masks[:, None, :], gram, np.eye(len(right)) * gram.max())
    try:
        inverse = np.linalg.inv(grams)
    except np.linalg.LinAlgError:
        return masks
    norm, norm_of_inverse = (np.abs(matrices).sum(axis=2).max(axis=1) for matrices in (grams, inverse))
    solved = (inverse @ (right * masks)[:, :, None])[:, :, 0]
    losses = -(solved @ right)
    rounding = CLEAR * np.abs(solved).max(axis=1, keepdims=True)
    is_exact = norm * norm_of_inverse < CLEAR**-1
    is_solution = is_exact & ((solved > rounding) | ~masks).all(axis=1)
    least = float(losses[is_solution].min(initial=0.0))
    is_worse = is_exact & ((solved < -rounding).any(axis=1) | (losses > least * (1 - CLEAR)))
    return np.asarray(masks[~is_worse])


@cache
def _masks(n: int) -> Array:
    """Every choice of some of n, shape (2ⁿ − 1, n), the smaller ones first."""
    chosen = [choice for size in range(1, n + 1) for choice in combinations(range(n), size)]
    return np.array([[at in choice for at in range(n)] for choice in chosen])
