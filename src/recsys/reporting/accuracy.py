"""Where a model is right: predicted against actual ratings, and errors by how much is known of whom and what."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array
from recsys.evaluation.activity import activity

BINS = 14
NOTHING_HELD_OUT = "No ratings were held out from training, so nothing says how good the model is."
Rows = list[dict[str, Any]]


def accuracy(bundle: Bundle) -> dict[str, Any] | str:
    """The section "accuracy" of a report, on the test ratings or else on valid; a sentence where there are neither."""
    part: Literal["valid", "test"] = "test" if bundle.held_out("test") is not None else "valid"
    ratings = bundle.held_out(part)
    if ratings is None:
        return NOTHING_HELD_OUT
    predicted = bundle.scorer("rating").rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    return {
        "part": part,
        "calibration": calibration(predicted, ratings.rating),
        **activity(bundle.scorer("rating"), bundle.seen.interactions(), ratings),
    }


def calibration(predicted: Array, actual: Array) -> Rows:
    """What people gave where the model said so much, in bins of the prediction that are equally wide.

    Args:
        predicted, actual: shape (n,), in rating units; n at least 1.
    Returns:
        A row for each bin that is not empty: the mean prediction and the mean rating, the 10% and the 90% quantile of
        the ratings, and how many there are.
    """
    edges = np.linspace(predicted.min(), predicted.max(), BINS + 1)
    bin_of = np.searchsorted(edges[1:-1], predicted, side="right")
    rows = []
    for one in np.unique(bin_of):
        given = actual[bin_of == one].astype(np.float64)
        low, high = np.quantile(given, [0.1, 0.9])
        rows.append(
            {
                "predicted": float(predicted[bin_of == one].mean(dtype=np.float64)),
                "actual": float(given.mean()),
                "low": float(low),
                "high": float(high),
                "n_ratings": len(given),
            }
        )
    return rows
