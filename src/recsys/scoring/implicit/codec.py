"""Implicit factors as they are stored."""

from __future__ import annotations

from recsys.scoring.codec import StoredScorer, check_array
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
        ValueError: an array is missing, or has another shape or type than it should have.
    """
    rows = {name: stored.array(name) for name in ROWS}
    gramians = {name: stored.array(name) for name in GRAMIANS}
    mean_item, moments = stored.array(MEAN_ITEM), {name: stored.array(f"moments.{name}") for name in MOMENTS}
    dim = rows["user_factors"].shape[-1]
    for name, array in rows.items():
        check_array(name, array, (len(array), dim))
    item_bias = stored.array(ITEM_BIAS)
    check_array(ITEM_BIAS, item_bias, (len(rows["item_factors"]),))
    for name, array in (gramians | moments).items():
        check_array(name, array, (dim, dim), "float64")
    check_array(MEAN_ITEM, mean_item, (dim,), "float64")
    ratings, targets = stored.array(RATINGS), stored.array(TARGETS)
    for name, array in ((RATINGS, ratings), (TARGETS, targets)):
        check_array(name, array, (len(ratings),))
    return ImplicitFactors(
        user_factors=rows["user_factors"],
        item_factors=rows["item_factors"],
        item_bias=item_bias,
        user_gramian=gramians["user_gramian"],
        item_gramian=gramians["item_gramian"],
        n_known_users=int(stored.number("n_known_users")),
        n_known_items=int(stored.number("n_known_items")),
        unobserved_weight=stored.number("unobserved_weight"),
        regularization=stored.number("regularization"),
        popularity_weight=stored.number("popularity_weight"),
        targets=TargetTable(ratings, targets),
        moments=Moments(mean_item, **moments),
    )
