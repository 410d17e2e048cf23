"""How prediction intervals are stored in a serving folder."""

from __future__ import annotations

import numpy as np

from recsys.artifacts.entries import IntervalsEntry
from recsys.core.layout import VARIANCE, ArraySpec, Layout
from recsys.core.types import Array, Arrays, Counts
from recsys.evaluation.calibration import ANY_WIDTH, N_COEFFICIENTS, Calibration, n_levels
from recsys.evaluation.intervals import Intervals
from recsys.evaluation.residual_variance import ResidualVariance
from recsys.scoring.drift import Drift
from recsys.scoring.uncertainty import Samples

NUMBERS = ("unit", "noise")  # of Samples, stored as arrays of one element
CALIBRATION = {"coefficients": "coefficients", "mean_widths": "widths", "factors_by_width": "factors"}
OLDER = 6  # coefficients of an older run, which has none for items and users without ratings
ROWS = ("user_rows", "item_rows", "user_noise", "item_noise")
UNIT, NOISE, CALIBRATED = 1e16, 1e4, 1e12  # no more than these, the ends of intervals are finite


def intervals_entry(intervals: Intervals) -> IntervalsEntry:
    """What the manifest says of them."""
    return IntervalsEntry(
        samples=intervals.samples is not None,
        spread=intervals.residual_variance is not None,
        n_valid=intervals.calibration.n_ratings,
    )


def interval_arrays(intervals: Intervals) -> Arrays:
    """The samples, the residual variances and the calibration."""
    arrays = {name: getattr(intervals.calibration, attribute) for name, attribute in CALIBRATION.items()}
    samples, variance = intervals.samples, intervals.residual_variance
    if samples is not None:
        arrays |= {name: np.array([getattr(samples, name)]) for name in NUMBERS}
        arrays |= {name: getattr(samples, name) for name in ROWS}
    if variance is not None:
        arrays |= {"user_spread": variance.user, "item_spread": variance.item}
    return arrays


def intervals_layout(entry: IntervalsEntry) -> Layout:
    """What the arrays are: users and items have a row each, and one for whoever is unknown."""
    n = n_levels(entry.n_valid)
    layout = {
        "coefficients": ArraySpec("float64", ("n_coefficients",), 0, VARIANCE),
        "mean_widths": ArraySpec("float64", ("n_widths",), 0, group="by width"),
        "factors_by_width": ArraySpec("float64", (n, "n_widths"), 0, CALIBRATED, group="by width"),
        "factors": ArraySpec("float64", (n,), 0, CALIBRATED, group="factors"),  # of older runs, as the next two
        "widths": ArraySpec("float64", ("n_even",), 0, group="even"),
        "even": ArraySpec("float64", ("n_even",), 0, CALIBRATED, group="even"),
    }
    for role in ("user", "item"):
        n_rows = (f"n_{role}s", 1)
        if entry.samples:
            layout[f"{role}_rows"] = ArraySpec("float16", ("n_samples", n_rows, "width"))
            layout[f"{role}_noise"] = ArraySpec("float32", (n_rows,), 0, NOISE)
        if entry.spread:
            layout[f"{role}_spread"] = ArraySpec("float32", (n_rows,), 0, VARIANCE)
    if entry.samples:
        layout |= {"unit": ArraySpec("float64", (1,), 0, UNIT), "noise": ArraySpec("float64", (1,), 0, NOISE)}
    return layout


def read_intervals(
    arrays: Arrays, entry: IntervalsEntry, user_counts: Counts, item_counts: Counts, drift: Drift | None
) -> Intervals:
    """The intervals of arrays that are as their layout says.

    Raises:
        ValueError: there are samples without a bias, or as many coefficients as no version has written.
    """
    samples = variance = None
    if entry.samples:
        if not arrays["user_rows"].shape[2]:
            raise ValueError("the array 'user_rows' has no column for the bias")
        unit, noise = (float(arrays[name][0]) for name in NUMBERS)
        samples = Samples(unit, noise, *(arrays[name] for name in ROWS))
    if entry.spread:
        variance = ResidualVariance(np.array(arrays["user_spread"]), np.array(arrays["item_spread"]))
    return Intervals(samples, _read_calibration(arrays, entry.n_valid), user_counts, item_counts, variance, drift)


def _read_calibration(arrays: Arrays, n_valid: int) -> Calibration:
    coefficients = np.array(arrays["coefficients"])
    if len(coefficients) == OLDER:
        coefficients = np.insert(coefficients, [OLDER // 2] * 2, 0)
    widths, factors = _factors(arrays)
    if len(coefficients) != N_COEFFICIENTS or not widths.size:
        raise ValueError("the arrays 'coefficients' and 'mean_widths' are not those of a calibration")
    return Calibration(coefficients, widths, factors, n_valid)


def _factors(arrays: Arrays) -> tuple[Array, Array]:
    """Widths, and the factors at each level and width; an older run has one by level and one by width, or none."""
    if "mean_widths" in arrays:
        return np.array(arrays["mean_widths"]), np.array(arrays["factors_by_width"])
    if "factors" not in arrays:
        raise ValueError("the array 'factors_by_width' is missing")
    return np.array(arrays.get("widths", ANY_WIDTH)), np.outer(arrays["factors"], arrays.get("even", np.ones(1)))
