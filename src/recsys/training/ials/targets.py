"""What the score of each interaction should be: 1, and more for items that the user rated higher than others."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Float32Array, Floats
from recsys.data.chunks import chunks


def interaction_targets(rating: Floats, rating_weight: float) -> Float32Array:
    """y = (1 − w + w·q) / (1 − w/2), with w = rating_weight and q the mid-rank of the rating in [0, 1].

    q is the share of ratings below this one, plus half the share of those equal to it: ratings on any scale are
    treated alike. The mean of q is 1/2 and that of y is 1, since another mean would change what the regularization
    means. y = 1 where there is no rating; with w = 0 everywhere.

    Args:
        rating: of each training interaction, shape (n,); NaN where there is none.
        rating_weight: w, from 0 (only that there was an interaction counts) to 1.
    Returns:
        float32, shape (n,).
    """
    targets = np.ones(len(rating), np.float32)
    values, counts = np.unique(rating[~np.isnan(rating)], return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * counts) / max(1, counts.sum())
    of_values = ((1 - rating_weight + rating_weight * ranks) / (1 - rating_weight / 2)).astype(np.float32)
    for rows in chunks(len(rating)):
        is_rated = ~np.isnan(rating[rows])
        targets[rows][is_rated] = of_values[np.searchsorted(values, rating[rows][is_rated])]
    return targets
