"""Implicit factors as they are stored."""

from __future__ import annotations

import numpy as np

from recsys.core.layout import FACTOR, ArraySpec, Layout, factors
from recsys.core.types import Array
from recsys.scoring.codec import StoredScorer
from recsys.scoring.implicit.moments import Moments
from recsys.scoring.implicit.scorer import ImplicitFactors
from recsys.scoring.implicit.targets import TargetTable

ROWS = ("user_factors", "item_factors")
GRAMIANS = ("user_gramian", "item_gramian")
MEAN_ITEM = "moments.mean_item"
MOMENTS = ("within", "between", "cross")
COUNTS = ("n_known_users", "n_known_items")
ITEM_BIAS = "item_bias"
WEIGHTS = ("unobserved_weight", "regularization", "popularity_weight")
RATINGS, TARGETS = "target.rating", "target.value"
MOST_TARGET, LEAST_WEIGHT, ROUNDING = 1e3, 1e-30, 1e-9
LAYOUT: Layout = {
    "user_factors": factors(("n_users", 1), "dim"),
    "item_factors": factors(("n_items", 1), "dim"),
    ITEM_BIAS: ArraySpec("float32", (("n_items", 1),)),
    **dict.fromkeys((*GRAMIANS, *(f"moments.{name}" for name in MOMENTS)), factors("dim", "dim", dtype="float64")),
    MEAN_ITEM: factors("dim", dtype="float64"),
    RATINGS: ArraySpec("float32", ("n_ratings",), rises=True),
    TARGETS: ArraySpec("float32", ("n_ratings",), 0, MOST_TARGET),
}
"""The last row of those of users and items stands for whoever is unknown."""


def encode(scorer: ImplicitFactors) -> StoredScorer:
    """The scorer as it is stored."""
    arrays = {name: getattr(scorer, name) for name in (*ROWS, ITEM_BIAS, *GRAMIANS)}
    arrays |= {RATINGS: scorer.targets.ratings, TARGETS: scorer.targets.targets}
    arrays |= {MEAN_ITEM: scorer.moments.mean_item}
    arrays |= {f"moments.{name}": getattr(scorer.moments, name) for name in MOMENTS}
    numbers = {name: float(getattr(scorer, name)) for name in (*COUNTS, *WEIGHTS)}
    return StoredScorer(scorer.kind, arrays, None, numbers)


def decode(stored: StoredScorer) -> ImplicitFactors:
    """The scorer that `encode` stored.

    Raises:
        ValueError: a number is missing or out of range, or a matrix is none that rows can be solved with.
    """
    arrays = stored.arrays
    moments = Moments(arrays[MEAN_ITEM], *(arrays[f"moments.{name}"] for name in MOMENTS))
    about = float(np.square(moments.mean_item).sum() + np.trace(moments.between) + np.trace(moments.within))
    spreads = {"moments.within": about, "moments.between": about}
    spreads |= {name: float(np.trace(arrays[name])) for name in GRAMIANS}
    for name, spread in spreads.items():
        _check_definite(name, arrays[name], ROUNDING * abs(spread))
    return ImplicitFactors(
        **{name: arrays[name] for name in (*ROWS, ITEM_BIAS, *GRAMIANS)},
        n_known_users=int(_number(stored, "n_known_users", 1, len(arrays["user_factors"]) - 1)),
        n_known_items=int(_number(stored, "n_known_items", 1, len(arrays["item_factors"]) - 1)),
        unobserved_weight=_number(stored, "unobserved_weight", LEAST_WEIGHT),
        regularization=_number(stored, "regularization", LEAST_WEIGHT),
        popularity_weight=_number(stored, "popularity_weight", 0),
        targets=TargetTable(arrays[RATINGS], arrays[TARGETS]),
        moments=moments,
    )


def _number(stored: StoredScorer, name: str, low: float, high: float = FACTOR) -> float:
    number = stored.number(name)
    if not low <= number <= high:
        raise ValueError(f"the number {name!r} is {number:g}, and not from {low:g} to {high:g}")
    return number


def _check_definite(name: str, matrix: Array, rounding: float) -> None:
    """Refuses a matrix that is no sum of squares: rows cannot be solved with it."""
    try:
        np.linalg.cholesky(matrix + (rounding + np.finfo(np.float64).tiny) * np.eye(len(matrix)))
        is_definite = float(np.abs(matrix - matrix.T).max(initial=0)) <= rounding
    except np.linalg.LinAlgError:
        is_definite = False
    if not is_definite:
        raise ValueError(f"the array {name!r} is no sum of squares")
