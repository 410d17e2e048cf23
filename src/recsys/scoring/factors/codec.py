"""Factors as they are stored: a drift's arrays are drift.start, drift.time, …"""

from __future__ import annotations

from dataclasses import fields

from recsys.scoring.codec import StoredScorer, check_array
from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors

ROWS = ("user_bias", "item_bias", "user_factors", "item_factors")
STD, MEAN = "user_std", "global_mean"
DRIFT = {field.name: f"drift.{field.name}" for field in fields(Drift)}  # attribute → array


def encode(scorer: Factors) -> StoredScorer:
    """The scorer as it is stored."""
    drift = {} if scorer.drift is None else {array: getattr(scorer.drift, name) for name, array in DRIFT.items()}
    std = {} if scorer.user_std is None else {STD: scorer.user_std}
    arrays = {**{name: getattr(scorer, name) for name in ROWS}, **std, **drift}
    return StoredScorer(scorer.kind, arrays, scorer.link, {MEAN: scorer.global_mean})


def decode(stored: StoredScorer) -> Factors:
    """The scorer that `encode` stored.

    Raises:
        ValueError: an array is missing, or has another shape or type than it should have.
    """
    rows = {name: stored.array(name) for name in ROWS}
    for role in ("user", "item"):
        bias, factors = rows[f"{role}_bias"], rows[f"{role}_factors"]
        check_array(f"{role}_bias", bias, (len(factors),))
        check_array(f"{role}_factors", factors, (len(factors), rows["user_factors"].shape[-1]))
    std = stored.arrays.get(STD)
    if std is not None:
        check_array(STD, std, rows["user_bias"].shape)
    moves = any(array in stored.arrays for array in DRIFT.values())
    return Factors(
        global_mean=stored.number(MEAN),
        link=stored.rating_link(),
        drift=Drift(**{name: stored.array(array) for name, array in DRIFT.items()}) if moves else None,
        user_std=std,
        **rows,
    )
