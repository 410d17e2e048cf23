"""How many standard deviations an interval reaches, by its level and by how wide it is, so that all hold alike.

Ratings are cut off at the ends of the scale and come in steps, so that narrow intervals hold more than wide ones at
one level and less at another. No factor by width alone evens that out, nor does one by level alone.
"""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array

N_FIFTHS = 5  # of the widths of intervals, each with its own factor
N_ROUNDS = 8  # after which the factors stand still
EVENED = np.append(np.arange(1, 20) / 20, 0.99)  # levels that are evened out; between them, a line
CREDIBLE = 20  # errors of a fifth, from which on they count for more than those of all (experiments/even-intervals.md)
LEAST, MOST = 0.1, 10.0  # times the factor of all, where most errors of a fifth, or of the others, are 0
MOST_SCORES = 20_000  # more would move the coverage by less than 0.002


def even_factors(score: Array, width: Array, levels: Array) -> tuple[Array, Array]:
    """The mean widths of fifths by width, and the factors there at which each level is reached.

    With e_k(level) how far errors of fifth k reach, as a share of those of all, a line between the means of the fifths,
    the factor is e · the ⌈(n + 1) · level⌉-th smallest score / e.

    Args:
        score: |error| / std of each, shape (n,).
        width: of each interval on the scale, shape (n,).
        levels: that rise, each with n ≥ (n + 1) · level.
    Returns:
        float64, shapes (n_widths,) and (n_levels, n_widths); both rise, the factors from level to level.
    """
    some = slice(None, None, -(-len(score) // MOST_SCORES))
    score, width = score[some], width[some]
    fifth = np.searchsorted(np.quantile(width, np.arange(1, N_FIFTHS) / N_FIFTHS), width)
    members = [np.flatnonzero(fifth == number) for number in np.unique(fifth).tolist()]
    widths = np.array([width[rows].mean() for rows in members])
    evened = np.array([_even(score, width, widths, members, level) for level in EVENED.tolist()])
    even = np.stack([np.interp(levels, EVENED, column) for column in evened.T], axis=1)
    scale = [quantile(score / np.interp(width, widths, row), level) for row, level in zip(even, levels, strict=True)]
    return widths, np.maximum.accumulate(even * np.array(scale)[:, None], axis=0)


def quantile(score: Array, level: float) -> float:
    """The ⌈(n + 1) · level⌉-th smallest of n scores, or the largest."""
    rank = min(int(np.ceil((len(score) + 1) * level - 1e-9)), len(score))
    return float(np.partition(score, rank - 1)[rank - 1])


def _even(score: Array, width: Array, widths: Array, members: list[Array], level: float) -> Array:
    """How far errors of each fifth reach at a level, as a share of those of all.

    A round multiplies it by the ratio of the quantiles that is left. One alone would leave too much, since between the
    means of two fifths their factors mix. Where a fifth has few errors, its factor is drawn to 1.
    """
    even, n = np.ones(len(members)), np.array([len(rows) for rows in members])
    for _ in range(N_ROUNDS):
        evened = score / np.interp(width, widths, even)
        of_all = quantile(evened, level)
        if of_all > 0:
            even = np.clip(even * [quantile(evened[rows], level) / of_all for rows in members], LEAST, MOST)
    return np.asarray(even ** (n / (n + CREDIBLE)))
