"""How unlike the items of a list are, by what is known of them beside ratings."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array, Float64Array
from recsys.data.features.matrix import FeatureMatrix

ENTRIES = 1 << 20  # of the lists that are measured at once: some 50 MB


def diversity(best: Array, features: FeatureMatrix) -> float | None:
    """Mean distance 1 − cos(f_i, f_j) over the pairs of items of a list, averaged over lists.

    Of m unit vectors with the sum s, the mean cosine over pairs is (|s|² − m) / (m (m − 1)): no pair has to be looked
    at. Items without features are left out.

    Args:
        best: item indices, int32, shape (n_lists, places); −1 where there was no item left.
        features: a row for each item.
    Returns:
        0 where the items of each list are alike; None where no list has two items with features.
    Source: Ziegler et al. 2005, "Improving Recommendation Lists Through Topic Diversification"; Castells, Hurley,
    Vargas 2015, "Novelty and Diversity in Recommender Systems", whose intra-list diversity it is.
    """
    length = np.sqrt(np.bincount(features.row, np.square(features.value, dtype=np.float64), len(features)))
    has_features = np.append(length > 0, False)  # index −1 finds the last
    n_most = int(np.diff(features.start).max(initial=1))
    step = max(1, ENTRIES // max(1, n_most * best.shape[1]))
    distances = []
    for first in range(0, len(best), step):
        lists = best[first : first + step]
        m = np.count_nonzero(has_features[lists], axis=1)
        has_pairs = m > 1
        square, m = _square_of_sum(lists, features, length)[has_pairs], m[has_pairs]
        distances.append(1 - (square - m) / (m * (m - 1)))
    of_lists = np.concatenate(distances) if distances else np.empty(0)
    return max(0.0, float(of_lists.mean())) if len(of_lists) else None


def _square_of_sum(lists: Array, features: FeatureMatrix, length: Float64Array) -> Float64Array:
    """|s|² of each list, float64, shape (n_lists,); `length` is that of each row of the features."""
    items = lists.ravel()
    rows = features.take(items)
    unit = rows.value / np.where(length > 0, length, 1)[items[rows.row]]
    place = rows.row // lists.shape[1] * rows.n_columns + rows.column
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    sums = np.add.reduceat(unit[order], first) if len(first) else np.empty(0)
    squares: Array = np.bincount(place[order[first]] // max(1, rows.n_columns), np.square(sums), len(lists))
    return squares
