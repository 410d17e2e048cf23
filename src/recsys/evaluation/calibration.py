"""How wide intervals have to be, learned on valid, and whether they hold what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import NormalDist
from typing import TypedDict

import numpy as np

from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation.activity import ActivityRange, mean_by_activity

LEVELS = np.append(
    np.arange(1, 200) / 200, [0.996, 0.997, 0.998, 0.999]
)  # whose factors are kept; between them, a line
N_ROUNDS = 8  # of reweighting; the coefficients stand still from the fifth on
N_FIFTHS = 5
CLEAR = 1e-7  # the least share that is no error of rounding


@dataclass(frozen=True, eq=False)
class Calibration:
    """An interval is rating ± factor(level) · std.

    std² = std₀² · (c₀ + c₁ / (1 + n_user) + c₂ / (1 + n_item)) + spread · (c₃ + c₄ / (1 + n_user) + c₅ / (1 + n_item))

    std₀ is what the model says of its own uncertainty, or 1; n are the training ratings of the user and the item;
    spread is the variance of training ratings of both about their biases.

    Attributes:
        coefficients: c, float64, shape (6,), none negative.
        factors: at the first of LEVELS, float64; the levels beyond take more ratings than there were.
        n_ratings: on which they stand; 0 for those of the normal distribution.
    """

    coefficients: Array
    factors: Array
    n_ratings: int

    @property
    def highest_level(self) -> float:
        """The highest level that can be asked for; 0 if there is none."""
        return float(LEVELS[len(self.factors) - 1]) if len(self.factors) else 0.0

    def std(self, of_model: Array, n_user: Array, n_item: Array, spread: Array) -> Array:
        """The standard deviations of errors, float32, shape (n,)."""
        of_std, of_spread = (_rarity(n_user, n_item) @ self.coefficients.reshape(2, 3).T).T
        return np.asarray(np.sqrt(np.square(of_model) * of_std + spread * of_spread), dtype=np.float32)

    def factor(self, level: float) -> float:
        """How many standard deviations an interval reaches to either side; `level` up to the highest."""
        assert 0 < level <= self.highest_level
        n = len(self.factors)
        return float(np.interp(level, np.append(0, LEVELS[:n]), np.append(0, self.factors)))


def normal() -> Calibration:
    """Standard deviations as the model has them, errors as the normal distribution has them."""
    factors = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS.tolist()])
    return Calibration(np.array([1.0, *[0.0] * 5]), factors, 0)


def calibrate(error: Array, of_model: Array, n_user: Array, n_item: Array, spread: Array) -> Calibration:
    """Coefficients that fit the squared errors, and then the factors that cover the share of errors that they promise.

    The factor at a level is the ⌈(n + 1) · level⌉-th smallest |error| / std: an interval for a further rating of the
    same kind then covers it with at least that probability (split conformal prediction; the six coefficients, which
    are fitted on the same ratings, take a little of that away).

    Args:
        error: of ratings that the model was not trained on, at least one, float, shape (n,).
        of_model: standard deviations as the model has them, or ones, shape (n,).
        n_user, n_item: training ratings of each one's user and item, shape (n,).
        spread: variances of these about their biases, or zeros, shape (n,).

    Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive inference for regression"
    (JASA).
    """
    coefficients = _fit(_features(of_model, n_user, n_item, spread), np.square(error, dtype=np.float64))
    unscaled = Calibration(coefficients, np.empty(0), len(error))
    std = unscaled.std(of_model, n_user, n_item, spread)
    score = np.sort(np.abs(error) / std)
    return Calibration(coefficients, score[_ranks(len(error)) - 1].astype(np.float64), len(error))


def n_levels(n_ratings: int) -> int:
    """How many of LEVELS a calibration on so many ratings has a factor for; one on none has that of all."""
    return len(_ranks(n_ratings)) if n_ratings else len(LEVELS)


class RangeCoverage(TypedDict):
    """Coverage of the intervals for the ratings of who has `low` to `high` training ratings."""

    low: int
    high: int
    n_ratings: int
    coverage: float
    mean_width: float


class FifthCoverage(TypedDict):
    """Coverage of the intervals of a fifth of the known users; the first has the narrowest intervals."""

    fifth: int
    n_users: int
    n_ratings: int
    coverage: float
    mean_width: float


class Coverage(TypedDict):
    """The share of ratings that lie in their intervals and the mean width of these, overall and in groups."""

    coverage: float
    mean_width: float
    n_ratings: int
    by_user: list[RangeCoverage]
    by_item: list[RangeCoverage]
    by_width: list[FifthCoverage]


def coverage(ratings: Interactions, low: Array, high: Array, train: Interactions) -> Coverage:
    """The share of ratings that lie in their intervals and the mean width of these, overall and in groups.

    Args:
        ratings: at least one row, on the vocabularies of `train`.
        low, high: ends of the intervals, shape (n,).
    Returns:
        "by_user" and "by_item": by numbers of training ratings, see `mean_by_activity`; "by_width": by fifths of the
        known users, fewer rows where there are fewer users.
    """
    width = np.subtract(high, low, dtype=np.float64)
    covered = ((ratings.rating >= low) & (ratings.rating <= high)).astype(np.float64)
    columns = {"coverage": covered, "mean_width": width}
    by_user = mean_by_activity(columns, train.user_counts, ratings.user_idx)
    by_item = mean_by_activity(columns, train.item_counts, ratings.item_idx)
    return {
        "coverage": float(covered.mean()),
        "mean_width": float(width.mean()),
        "n_ratings": len(ratings),
        "by_user": [_of_range(group) for group in by_user],
        "by_item": [_of_range(group) for group in by_item],
        "by_width": _by_width(covered, width, ratings.user_idx),
    }


def _ranks(n: int) -> Array:
    """The rank of the factor at each of the levels that n errors allow for."""
    rank = np.ceil((n + 1) * LEVELS - 1e-9).astype(np.int64)
    return np.asarray(rank[rank <= n])


def _of_range(group: ActivityRange) -> RangeCoverage:
    coverage, mean_width = group.means["coverage"], group.means["mean_width"]
    return {
        "low": group.low,
        "high": group.high,
        "n_ratings": group.n_ratings,
        "coverage": coverage,
        "mean_width": mean_width,
    }


def _by_width(covered: Array, width: Array, user_idx: Array) -> list[FifthCoverage]:
    known = np.flatnonzero(user_idx >= 0)
    users, user = np.unique(user_idx[known], return_inverse=True)
    mean_width = np.bincount(user, width[known]) / np.bincount(user)
    rank = np.empty(len(users), dtype=np.int64)
    rank[np.argsort(mean_width, kind="stable")] = np.arange(len(users))
    fifth = rank * N_FIFTHS // len(users) if len(users) else rank
    return [
        {
            "fifth": number + 1,
            "n_users": int(np.count_nonzero(fifth == number)),
            "n_ratings": int(np.count_nonzero(rows)),
            "coverage": float(covered[known][rows].mean()),
            "mean_width": float(width[known][rows].mean()),
        }
        for number in np.unique(fifth).tolist()
        if (rows := fifth[user] == number).any()
    ]


def _features(of_model: Array, n_user: Array, n_item: Array, spread: Array) -> Array:
    rarity = _rarity(n_user, n_item)
    return np.hstack([rarity * variance[:, None] for variance in (np.square(of_model), spread)])


def _rarity(n_user: Array, n_item: Array) -> Array:
    return np.stack([np.ones(len(n_user)), 1 / (1 + n_user), 1 / (1 + n_item)], axis=1)


def _fit(features: Array, square: Array) -> Array:
    """c ≥ 0 with features @ c near the squares, each weighted by the inverse of what is expected, squared.

    A squared error scatters in proportion to its expectation, so that rare and frequent users count alike. Where the
    squares are all 0, c₀ is a number so small that nothing is divided by 0.
    """
    least = float(np.finfo(np.float32).tiny)
    expected = np.full(len(square), max(float(square.mean()), least))
    coefficients = np.zeros(features.shape[1])
    for _ in range(N_ROUNDS):
        coefficients = _not_negative(features / expected[:, None], square / expected)
        coefficients[0] = max(coefficients[0], least)
        expected = features @ coefficients
    return coefficients


def _not_negative(features: Array, target: Array) -> Array:
    """The c ≥ 0 that minimises |features @ c − target|²: the best of the solutions that leave some of them at 0."""
    gram, right = features.T @ features, features.T @ target
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
