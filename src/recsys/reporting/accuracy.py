"""Where a model is right: predicted against actual ratings, and errors by how much is known of whom and what."""

from __future__ import annotations

from typing import Literal, TypedDict

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation.activity import ActivityErrors, activity

BINS = 14
NO_RATINGS = "The run was trained without ratings, so it predicts none."
NOTHING_HELD_OUT = "No ratings were held out from training, so nothing says how good the model is."
ALL_TRAINED_ON = "The model was trained on all ratings; what was measured before that lies in the run, not here."


class CalibrationBin(TypedDict):
    """The mean prediction and the mean rating in a bin, the 10% and the 90% quantile of the ratings."""

    predicted: float
    actual: float
    low: float
    high: float
    n_ratings: int


class Accuracy(ActivityErrors):
    """Where a model is right, measured on one part of the held-out ratings."""

    part: Literal["valid", "test"]
    calibration: list[CalibrationBin]


def accuracy(bundle: Bundle) -> Accuracy | str:
    """The section "accuracy" of a report, on the test ratings or else on valid; a sentence where there are neither."""
    if "rating" not in bundle.scorers:
        return NO_RATINGS
    part: Literal["valid", "test"] = "test" if held_out_ratings(bundle, "test") is not None else "valid"
    ratings = held_out_ratings(bundle, part)
    if ratings is None:
        return nothing_held_out(bundle)
    predicted = bundle.rating.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    return {
        "part": part,
        "calibration": calibration(predicted, ratings.rating),
        **activity(bundle.rating, bundle.seen.interactions().rated(), ratings),
    }


def nothing_held_out(bundle: Bundle) -> str:
    """Why there is nothing to measure on."""
    return NOTHING_HELD_OUT if bundle.manifest.trained_on == "train" else ALL_TRAINED_ON


def held_out_ratings(bundle: Bundle, part: Literal["valid", "test"]) -> Interactions | None:
    """The held-out rows of a part that have a rating; None where there are none."""
    held_out = bundle.held_out(part)
    rated = None if held_out is None else held_out.rated()
    return rated if rated is not None and len(rated) else None


def calibration(predicted: Array, actual: Array) -> list[CalibrationBin]:
    """Ratings by their prediction, in bins of equal width.

    Args:
        predicted, actual: shape (n,), in rating units; n at least 1.
    Returns:
        The bins that are not empty.
    """
    edges = np.linspace(predicted.min(), predicted.max(), BINS + 1)
    bin_of = np.searchsorted(edges[1:-1], predicted, side="right")
    bins: list[CalibrationBin] = []
    for number in np.unique(bin_of):
        given = actual[bin_of == number].astype(np.float64)
        low, high = np.quantile(given, [0.1, 0.9])
        bins.append(
            {
                "predicted": float(predicted[bin_of == number].mean(dtype=np.float64)),
                "actual": float(given.mean()),
                "low": float(low),
                "high": float(high),
                "n_ratings": len(given),
            }
        )
    return bins
