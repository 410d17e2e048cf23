"""Damping: so many ratings at what is expected of them that users and items are given in advance.

A decay in the loss of each rating shrinks a bias by the same share whether its user has one rating or a thousand. A
prior belongs to the user instead, once: with ½ · damping · bias² a bias comes to n / (n + damping) of what its n
ratings say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from recsys.core.types import Array, Arrays, Indices
from recsys.data.interactions import Interactions
from recsys.data.training_inputs import WarmStart
from recsys.evaluation.baselines import DAMPING
from recsys.training.sgd.settings import Sgd

NOTHING: Mapping[str, Array] = MappingProxyType({})  # expected of any parameter: they are drawn to 0

ALL = slice(None)

SAMPLE = 250_000  # ratings that tell how much users and items differ
LOWEST, HIGHEST = 2.0, 20.0  # what few ratings say of it is not to be trusted further


@dataclass(frozen=True, eq=False)
class Damped:
    """A parameter that is drawn towards where it is expected to be.

    Attributes:
        array: its memory.
        expected: what a run to start from says of it, whose ratings are not all seen again; None: 0.
        damping: in ratings.
        share: its learning rate as a share of the highest.
    """

    array: Array
    expected: Array | None
    damping: float
    share: float

    def shrink(self, rate: float, rows: slice = ALL) -> None:
        """array ← (array + a·expected) / (1 + a) with a = rate·share·damping: the implicit step, stable for any rate.

        Args:
            rate: the highest learning rate, times the share of an epoch that the step stands for.
            rows: of the array.
        """
        amount, array, expected = rate * self.share * self.damping, self.array[rows], self.expected
        if amount and expected is None:
            array *= np.float32(1 / (1 + amount))
        elif amount and expected is not None:
            array += (expected[rows] - array) * np.float32(amount / (1 + amount))


def expected_values(parameters: Arrays, start: WarmStart | None) -> Arrays:
    """What is expected of parameters: what they are, where not all ratings that they come from are seen again."""
    if start is None or start.replays_all:
        return {}
    return {name: array.copy() for name, array in parameters.items()}


def auto_damping(settings: Sgd, credible: tuple[float, float]) -> tuple[float, float]:
    """The damping of user biases and of item biases that the settings ask for."""
    match settings.bias_damping:
        case "auto":
            return (0.0, 0.0) if settings.states_decay else credible
        case (user, item):
            return user, item
        case both:
            return both, both


def credible_damping(train: Interactions) -> tuple[float, float]:
    """The damping of user biases and of item biases: variance of the rest over variance of the biases.

    With N ratings of U users, whose sums of r − mean are s_u, and the variance v: var(user bias) =
    (Σ s_u² / n_u − U·v) / (N − U), and the same for items.

    Source: Bühlmann & Straub 1970, "Glaubwürdigkeit für Schadensätze"; Henderson 1953, "Estimation of Variance and
    Covariance Components" (Biometrics), method 1.
    """
    rows = slice(None, None, math.ceil(len(train) / SAMPLE))
    rating = train.rating[rows] - np.mean(train.rating[rows], dtype=np.float64)
    total = float(np.mean(rating * rating))
    user, item = (_variance(idx[rows], rating, total) for idx in (train.user_idx, train.item_idx))
    rest = total - sum(variance or 0.0 for variance in (user, item))
    return _ratio(rest, user), _ratio(rest, item)


def _variance(idx: Indices, rating: Array, total: float) -> float | None:
    """Of the biases; None where nobody has two ratings."""
    counts, sums = np.bincount(idx), np.bincount(idx, rating)
    n_rows, n_ratings = np.count_nonzero(counts), len(rating)
    if n_rows == n_ratings:
        return None
    between = float(np.sum(sums * sums / np.maximum(counts, 1)))
    return max((between - n_rows * total) / float(n_ratings - n_rows), 0.0)


def _ratio(rest: float, variance: float | None) -> float:
    if variance is None:
        return DAMPING
    return min(max(rest / variance, LOWEST), HIGHEST) if variance > 0 else HIGHEST
