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
from recsys.evaluation.even_factors import even_factors

LEVELS = np.append(
    np.arange(1, 200) / 200, [0.996, 0.997, 0.998, 0.999]
)  # whose factors are kept; between them, a line
N_ROUNDS = 8  # of reweighting; the coefficients stand still from the fifth on
N_COEFFICIENTS = 8
WIDTH_REACH = NormalDist().inv_cdf(0.95)  # in standard deviations: widths are compared at a level of about 0.9
ANY_WIDTH = np.zeros(1)  # widths, where factors do not depend on them
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
    """An interval is rating ± factor(level, width) · std, where the width is that of rating ± WIDTH_REACH · std.

    std² = std₀² · (c₀ + c₁ / (1 + n_user) + c₂ / (1 + n_item) + c₃ [n_user = 0] + c₄ [n_item = 0])
           + spread · (c₅ + c₆ / (1 + n_user) + c₇ / (1 + n_item))

    std₀ is what the model says of its own uncertainty, or 1; n are the training ratings of the user and the item;
    spread is the variance of training ratings of both about their biases. The factor is linear between a few widths,
    see recsys.evaluation.even_factors.

    Attributes:
        coefficients: c, float64, shape (N_COEFFICIENTS,), none negative.
        widths: float64, shape (n_widths,), at least one; they rise.
        factors: at the first of LEVELS and at the widths, float64, shape (n_levels, n_widths); the levels beyond take
            more ratings than there were.
        n_ratings: on which they stand; 0 for those of the normal distribution.
    """

    coefficients: Array
    widths: Array
    factors: Array
    n_ratings: int

    @property
    def highest_level(self) -> float:
        """The highest level that can be asked for; 0 if there is none."""
        return float(LEVELS[len(self.factors) - 1]) if len(self.factors) else 0.0

    def std(self, known: PairFeatures) -> Array:
        """The standard deviations of errors, float32, shape (n,)."""
        return np.asarray(np.sqrt(_columns(known) @ self.coefficients), dtype=np.float32)

    def factor(self, level: float, width: Array) -> Array:
        """How many standard deviations intervals reach to either side, float32, shape (n,); `level` up to the highest.

        Args:
            width: of rating ± WIDTH_REACH · std on the scale, shape (n,).
        """
        assert 0 < level <= self.highest_level
        levels = np.append(0, LEVELS[: len(self.factors)])
        at_widths = [np.interp(level, levels, np.append(0, column)) for column in self.factors.T]
        return np.asarray(np.interp(width, self.widths, at_widths), dtype=np.float32)


def normal() -> Calibration:
    """Standard deviations as the model has them, errors as the normal distribution has them."""
    factors = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS.tolist()])
    return Calibration(np.eye(N_COEFFICIENTS)[0], ANY_WIDTH, factors[:, None], 0)


def calibrate(error: Array, known: PairFeatures, width_of: WidthOf) -> Calibration:
    """Coefficients that fit the squared errors, and then the factors that cover the share of errors that they promise.

    But for what evens out widths, the factor at a level is the ⌈(n + 1) · level⌉-th smallest |error| / std: an interval
    for a further rating of the same kind then covers it with at least that probability (split conformal prediction;
    what else is fitted on the same ratings takes a little of that away).

    Args:
        error: of ratings that the model was not trained on, at least one, float, shape (n,).
        width_of: (how far the intervals of these ratings reach to either side) → how wide they are on the scale.

    Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive inference for regression"
    (JASA).
    """
    coefficients = _fit(_columns(known), np.square(error, dtype=np.float64))
    unscaled = Calibration(coefficients, ANY_WIDTH, np.empty((0, 1)), len(error))
    std = unscaled.std(known).astype(np.float64)
    widths, factors = even_factors(np.abs(error) / std, width_of(WIDTH_REACH * std), LEVELS[: n_levels(len(error))])
    return replace(unscaled, widths=widths, factors=factors)


def n_levels(n_ratings: int) -> int:
    """How many of LEVELS a calibration on so many ratings has a factor for; one on none has that of all."""
    is_reached = np.ceil((n_ratings + 1) * LEVELS - 1e-9) <= n_ratings
    return int(np.count_nonzero(is_reached)) if n_ratings else len(LEVELS)


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
