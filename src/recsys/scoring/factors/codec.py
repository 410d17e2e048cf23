"""Factors as they are stored: a drift's arrays are drift.start, drift.time, …"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from recsys.core.layout import FACTOR, ArraySpec, Layout, factors
from recsys.scoring.codec import StoredScorer
from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import LEAST_STD

ROWS = ("user_bias", "item_bias", "user_factors", "item_factors")
STD, MEAN = "user_std", "global_mean"
SHORTEST, LONGEST, SHORTEST_GAP = 1e-3, 1e12, 1e-12  # seconds
LEAST_VARIANCE = 1e-100
DRIFT = {field.name: f"drift.{field.name}" for field in fields(Drift)}  # attribute → array

LAYOUT: Layout = {
    "user_bias": ArraySpec("float32", (("n_users", 1),)),
    "item_bias": ArraySpec("float32", (("n_items", 1),)),
    "user_factors": factors(("n_users", 1), "dim"),
    "item_factors": factors(("n_items", 1), "dim"),
    STD: ArraySpec("float32", (("n_users", 1),), LEAST_STD, group=STD),
    "drift.start": ArraySpec("int64", (("n_users", 2),), starts="n_moments", group="drift"),
    "drift.time": ArraySpec("float64", ("n_moments",), group="drift"),
    "drift.mean": ArraySpec("float32", ("n_moments", "n_paths"), group="drift"),
    "drift.extra": ArraySpec("float32", ("n_moments",), group="drift"),
    "drift.length": ArraySpec("float64", ("n_paths",), SHORTEST, LONGEST, group="drift"),
    "drift.variance": ArraySpec("float64", ("n_paths",), LEAST_VARIANCE, FACTOR, group="drift"),
}
"""The last row of each array stands for whoever is unknown. Those of a drift are all there or none."""


def encode(scorer: Factors) -> StoredScorer:
    """The scorer as it is stored."""
    drift = {} if scorer.drift is None else {array: getattr(scorer.drift, name) for name, array in DRIFT.items()}
    std = {} if scorer.user_std is None else {STD: scorer.user_std}
    arrays = {**{name: getattr(scorer, name) for name in ROWS}, **std, **drift}
    return StoredScorer(scorer.kind, arrays, scorer.link, {MEAN: scorer.global_mean})


def decode(stored: StoredScorer) -> Factors:
    """The scorer that `encode` stored.

    Raises:
        ValueError: a number is missing, or the moments of a user do not rise.
    """
    arrays = stored.arrays
    drift = Drift(**{name: arrays[array] for name, array in DRIFT.items()}) if DRIFT["start"] in arrays else None
    if drift is not None:
        _check_moments(drift)
    return Factors(
        global_mean=stored.number(MEAN),
        link=stored.rating_link(),
        drift=drift,
        user_std=arrays.get(STD),
        **{name: arrays[name] for name in ROWS},
    )


def _check_moments(drift: Drift) -> None:
    """Between two moments of a user there is time, by which something is divided."""
    if not len(drift.time) or not len(drift.length):
        raise ValueError("the drift has no moments")
    gap = np.diff(drift.time)
    first = drift.start[(drift.start > 0) & (drift.start < len(drift.time))]
    gap[first - 1] = np.inf
    if not (gap >= SHORTEST_GAP).all():
        raise ValueError("the times of a user in the array 'drift.time' do not rise")
