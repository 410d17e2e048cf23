"""Factors as they are stored: a drift's arrays are drift.start, drift.time, …, those of raters are raters.user, …"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from recsys.core.layout import VARIANCE, ArraySpec, Layout, factors
from recsys.core.types import Arrays
from recsys.data.features.kind import LARGEST_Z
from recsys.data.features.matrix import FeatureMatrix
from recsys.scoring.affinities import Affinities
from recsys.scoring.codec import StoredScorer
from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import LEAST_STD
from recsys.scoring.raters import N_WEIGHTS, Raters

ROWS = ("user_bias", "item_bias", "user_factors", "item_factors")
STD, MEAN = "user_std", "global_mean"
SHORTEST, LONGEST, SHORTEST_GAP = 1e-3, 1e12, 1e-12  # seconds
LEAST_VARIANCE = 1e-100
LARGEST_WEIGHT, LARGEST_SCALE = 1e6, 1e6
DRIFT = {field.name: f"drift.{field.name}" for field in fields(Drift)}  # attribute → array
SCALE = DRIFT["scale"]
RATERS = {field.name: f"raters.{field.name}" for field in fields(Raters)}

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
    "drift.variance": ArraySpec("float64", ("n_paths",), LEAST_VARIANCE, VARIANCE, group="drift"),
    SCALE: ArraySpec("float32", (("n_users", 1),), 0, LARGEST_SCALE, group=SCALE),
    "raters.user": factors(("n_users", 1), group="raters"),
    "raters.n_ratings": ArraySpec("int64", (("n_items", 1),), 0, group="raters"),
    "raters.weights": ArraySpec("float64", (N_WEIGHTS,), -LARGEST_WEIGHT, LARGEST_WEIGHT, group="raters"),
    "affinities.user": factors(("n_users", 1), ("n_affinities", 1), group="affinities"),
    "affinities.features": ArraySpec(
        "int32", ("n_affinities",), 0, ("n_item_features", -1), rises=True, group="affinities"
    ),
    "affinities.start": ArraySpec("int64", (("n_items", 2),), starts="n_entries", group="affinities"),
    "affinities.column": ArraySpec("int32", ("n_entries",), 0, "n_affinities", group="affinities"),
    "affinities.value": ArraySpec("float32", ("n_entries",), -LARGEST_Z, LARGEST_Z, group="affinities"),
}
"""The last row of each array stands for whoever is unknown. Arrays with the same name before the dot are all there or
none."""


def encode(scorer: Factors) -> StoredScorer:
    """The scorer as it is stored."""
    drift = {} if scorer.drift is None else {array: getattr(scorer.drift, name) for name, array in DRIFT.items()}
    raters = {} if scorer.raters is None else {array: getattr(scorer.raters, name) for name, array in RATERS.items()}
    affinities = {} if scorer.affinities is None else _encode_affinities(scorer.affinities)
    std = {} if scorer.user_std is None else {STD: scorer.user_std}
    arrays = {**{name: getattr(scorer, name) for name in ROWS}, **std, **drift, **raters, **affinities}
    return StoredScorer(scorer.kind, arrays, scorer.link, {MEAN: scorer.global_mean})


def decode(stored: StoredScorer) -> Factors:
    """The scorer that `encode` stored.

    Raises:
        ValueError: a number is missing, or the moments of a user do not rise.
    """
    arrays = stored.arrays
    drift = _decode_drift(arrays) if DRIFT["start"] in arrays else None
    has_raters = RATERS["user"] in arrays
    return Factors(
        global_mean=stored.number(MEAN),
        link=stored.rating_link(),
        drift=drift,
        user_std=arrays.get(STD),
        raters=Raters(**{name: arrays[array] for name, array in RATERS.items()}) if has_raters else None,
        affinities=_decode_affinities(arrays) if "affinities.user" in arrays else None,
        **{name: arrays[name] for name in ROWS},
    )


def _encode_affinities(affinities: Affinities) -> Arrays:
    item = affinities.item
    return {
        "affinities.user": affinities.user,
        "affinities.features": affinities.features,
        "affinities.start": item.start,
        "affinities.column": item.column,
        "affinities.value": item.value,
    }


def _decode_affinities(arrays: Arrays) -> Affinities:
    user, start = arrays["affinities.user"], arrays["affinities.start"]
    item = FeatureMatrix(start, arrays["affinities.column"], arrays["affinities.value"], user.shape[1])
    item.check()
    return Affinities(user, arrays["affinities.features"], item)


def _decode_drift(arrays: Arrays) -> Drift:
    """The drift; an older run has one scale for all users."""
    of_all = {} if SCALE in arrays else {SCALE: np.ones(len(arrays["user_bias"]), np.float32)}
    drift = Drift(**{name: (arrays | of_all)[array] for name, array in DRIFT.items()})
    _check_moments(drift)
    return drift


def _check_moments(drift: Drift) -> None:
    """Between two moments of a user there is time, by which something is divided."""
    if not len(drift.time) or not len(drift.length):
        raise ValueError("the drift has no moments")
    gap = np.diff(drift.time)
    first = drift.start[(drift.start > 0) & (drift.start < len(drift.time))]
    gap[first - 1] = np.inf
    if not (gap >= SHORTEST_GAP).all():
        raise ValueError("the times of a user in the array 'drift.time' do not rise")
