"""Where a model is right: predicted against actual ratings, and errors by how much is known of whom and what."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from recsys.evaluation import baselines
from recsys.serving.store import Store

BINS = 14
NOTHING_HELD_OUT = "No ratings were held out from training, so nothing says how good the model is."
Array = np.ndarray[Any, Any]
Rows = list[dict[str, Any]]


def accuracy(store: Store) -> dict[str, Any] | str:
    """The section "accuracy" of a report, on the test ratings or else on valid; a sentence where there are neither."""
    part: Literal["valid", "test"] = "test" if store.held_out("test") is not None else "valid"
    ratings = store.held_out(part)
    if ratings is None:
        return NOTHING_HELD_OUT
    predicted = store.scorer.rate(ratings.user_idx, ratings.item_idx).rating
    simple = baselines.biases(store.training_ratings()).rate(ratings.user_idx, ratings.item_idx).rating
    squares = {
        "model": np.subtract(predicted, ratings.rating, dtype=np.float64) ** 2,
        "biases": np.subtract(simple, ratings.rating, dtype=np.float64) ** 2,
    }
    return {
        "part": part,
        "calibration": calibration(predicted, ratings.rating),
        "by_user": by_activity(squares, store.user_counts, ratings.user_idx),
        "by_item": by_activity(squares, store.item_counts, ratings.item_idx),
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


def by_activity(squares: dict[str, Array], counts: Array, idx: Array) -> Rows:
    """Rmse by how many training ratings the user (or the item) of a rating has.

    Args:
        squares: who predicts → squared errors, shape (n,).
        counts: training ratings of each user, shape (n_users,).
        idx: the user of each rating, shape (n,); −1, an unknown one, has 0 training ratings.
    Returns:
        A row for each range from `low` to `high` training ratings that occurs: 0, 1, 2, 3–5, 6–10, 11–20, 21–50, …
    """
    known = np.append(counts, 0)[idx]
    edges = [0, *(step * 10**power for power in range(len(str(known.max())) + 1) for step in (1, 2, 5))]
    bucket = np.searchsorted(edges, known, side="left")
    n = np.bincount(bucket, minlength=len(edges))
    sums = {name: np.bincount(bucket, square, minlength=len(edges)) for name, square in squares.items()}
    return [
        {
            "low": edges[one - 1] + 1 if one else 0,
            "high": edges[one],
            "n_ratings": int(n[one]),
            **{name: float(np.sqrt(total[one] / n[one])) for name, total in sums.items()},
        }
        for one in np.flatnonzero(n).tolist()
    ]
