"""How prediction intervals are stored in a serving folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recsys.artifacts.arrays import memory_map
from recsys.artifacts.manifest import IntervalsEntry, damaged
from recsys.core.types import Arrays, Counts
from recsys.evaluation.calibration import Calibration
from recsys.evaluation.intervals import Intervals
from recsys.evaluation.residual_variance import ResidualVariance
from recsys.scoring.drift import Drift
from recsys.scoring.uncertainty import Samples

NUMBERS = ("unit", "noise")  # of Samples, stored as arrays of one element
ROWS = ("user_rows", "item_rows", "user_noise", "item_noise")


def intervals_entry(intervals: Intervals) -> IntervalsEntry:
    """What the manifest says of them."""
    return IntervalsEntry(
        samples=intervals.samples is not None,
        spread=intervals.residual_variance is not None,
        n_valid=intervals.calibration.n_ratings,
    )


def interval_arrays(intervals: Intervals) -> Arrays:
    """The samples, the residual variances, the factors and the coefficients of the calibration."""
    arrays = {"factors": intervals.calibration.factors, "coefficients": intervals.calibration.coefficients}
    samples, variance = intervals.samples, intervals.residual_variance
    if samples is not None:
        arrays |= {name: np.array([getattr(samples, name)]) for name in NUMBERS}
        arrays |= {name: getattr(samples, name) for name in ROWS}
    if variance is not None:
        arrays |= {"user_spread": variance.user, "item_spread": variance.item}
    return arrays


def read_intervals(
    path: Path, entry: IntervalsEntry, user_counts: Counts, item_counts: Counts, drift: Drift | None
) -> Intervals:
    """The intervals in a file of a serving folder, the samples read from disk as they are touched.

    Raises:
        RunError: an array is missing, or is not as long as there are users or items.
    """
    arrays = memory_map(path)
    _check(path, arrays, entry, len(user_counts), len(item_counts))
    samples = variance = None
    if entry.samples:
        unit, noise = (float(arrays[name][0]) for name in NUMBERS)
        samples = Samples(unit, noise, *(arrays[name] for name in ROWS))
    if entry.spread:
        variance = ResidualVariance(np.array(arrays["user_spread"]), np.array(arrays["item_spread"]))
    calibration = Calibration(np.array(arrays["coefficients"]), np.array(arrays["factors"]), entry.n_valid)
    return Intervals(samples, calibration, user_counts, item_counts, variance, drift)


def _check(path: Path, arrays: Arrays, entry: IntervalsEntry, n_users: int, n_items: int) -> None:
    """Every array is there, and those of users and items have a row for each and for an unknown one."""
    names = ["factors", "coefficients", *(("user_spread", "item_spread") if entry.spread else ())]
    names += [*NUMBERS, *ROWS] if entry.samples else []
    for name in names:
        if name not in arrays:
            raise damaged(path, f"it lacks the array {name!r}")
        role, _, part = name.partition("_")
        n, n_rows = {"user": n_users, "item": n_items}.get(role), arrays[name].shape[part == "rows"]
        if n is not None and n_rows != n + 1:
            raise damaged(path, f"the array {name!r} has {n_rows:,} rows for {n:,} {role}s")
