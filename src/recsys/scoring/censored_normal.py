"""A normal distribution whose values beyond the ends of a scale pile up at these ends."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from recsys.core.types import Float64Array

REACH, N_POINTS = 6.0, 4097  # of the table: so many standard deviations
LEAST = 1e-30  # a std by which something is divided
FARTHEST = 30.0  # standard deviations at which the share of a tail is still a number
_erf, _erfc = (np.vectorize(function, otypes=[np.float64]) for function in (math.erf, math.erfc))


def censored_normal(
    mean: Float64Array, std: Float64Array, low: float, high: float
) -> tuple[Float64Array, Float64Array]:
    """Mean and standard deviation of min(max(x, low), high) where x ~ N(mean, std²); float64, the shape of `mean`.

    Source: Tobin 1958, "Estimation of Relationships for Limited Dependent Variables" (Econometrica).
    """
    width = np.maximum(std, LEAST)
    from_low, from_high = (low - mean) / width, (high - mean) / width
    below, above = _below(from_low), 1 - _below(from_high)
    between = 1 - below - above
    density_low, density_high = (
        np.exp(-0.5 * np.square(end)) / math.sqrt(2 * math.pi) for end in (from_low, from_high)
    )
    expected = low * below + high * above + mean * between + std * (density_low - density_high)
    variance = np.square(low - expected) * below + np.square(high - expected) * above
    variance += (np.square(mean - expected) + np.square(std)) * between
    variance += std * ((low + mean - 2 * expected) * density_low - (high + mean - 2 * expected) * density_high)
    return expected, np.sqrt(np.maximum(variance, 0))


def within(mean: Float64Array, std: Float64Array, low: float, high: float) -> Float64Array:
    """The probability that x ~ N(mean, std²) lies between the ends: the slope of the mean of `clipped_normal`."""
    return np.asarray(_below((high - mean) / std) - _below((low - mean) / std))


def mean_beyond(mean: Float64Array, std: float, limit: float, sign: int) -> Float64Array:
    """The mean of x ~ N(mean, std²) where it lies above the limit (sign 1), or below it (sign −1)."""
    away = np.clip(sign * (limit - mean) / std, -FARTHEST, FARTHEST)
    density = np.exp(-0.5 * np.square(away)) / math.sqrt(2 * math.pi)
    return np.asarray(mean + sign * std * density / (0.5 * _erfc(away / math.sqrt(2))))


def censored_mean(mean: Float64Array, std: Float64Array, low: float, high: float) -> Float64Array:
    """The mean of `clipped_normal`, right to 1e-5 of std, and several times as fast.

    It is low + E max(x − low, 0) − E max(x − high, 0), and each of these is read off a table.
    """
    return low + std * (_beyond((mean - low) / std) - _beyond((mean - high) / std))


def _beyond(x: Float64Array) -> Float64Array:
    """E max(x + z, 0) for z ~ N(0, 1): max(x, 0), and what falls with |x|."""
    return np.asarray(np.maximum(x, 0) + np.interp(np.abs(x), *_table()))


@cache
def _table() -> tuple[Float64Array, Float64Array]:
    x = np.linspace(0, REACH, N_POINTS)
    return x, np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi) - x * _below(-x)


def _below(x: Float64Array) -> Float64Array:
    """The share of a standard normal distribution that is less than x."""
    return np.asarray(0.5 * (1 + _erf(x / math.sqrt(2))))
