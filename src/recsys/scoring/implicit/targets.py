"""What the score of an interaction should be: 1, and more for items that the user rated higher than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Float32Array, Floats
from recsys.data.chunks import chunks


@dataclass(frozen=True, eq=False)
class TargetTable:
    """The target of each rating that there is: y = (1 − w + w·q) / (1 − w/2), with q its mid-rank in [0, 1].

    q is the share of training ratings below this one, plus half the share of those equal to it: ratings on any scale
    are treated alike. The mean of q is 1/2 and that of y is 1, since another mean would change what the regularization
    means.

    Attributes:
        ratings: float32, rising, shape (n,), perhaps none.
        targets: y of each, float32, shape (n,).
    """

    ratings: Float32Array
    targets: Float32Array

    @classmethod
    def of(cls, rating: Floats, rating_weight: float) -> TargetTable:
        """The table of training ratings.

        Args:
            rating: of each training interaction, shape (n,); NaN where there is none.
            rating_weight: w, from 0 (only that there was an interaction counts) to 1.
        """
        values, counts = np.unique(rating[~np.isnan(rating)], return_counts=True)
        ranks = (np.cumsum(counts) - 0.5 * counts) / max(1, counts.sum())
        targets = (1 - rating_weight + rating_weight * ranks) / (1 - rating_weight / 2)
        return cls(values.astype(np.float32), targets.astype(np.float32))

    def __call__(self, rating: Floats) -> Float32Array:
        """Targets of ratings, float32, shape (n,): 1 where there is none; between two of the table, in proportion."""
        targets = np.ones(len(rating), np.float32)
        if len(self.ratings):
            for rows in chunks(len(rating)):
                is_rated = ~np.isnan(rating[rows])
                targets[rows][is_rated] = np.interp(rating[rows][is_rated], self.ratings, self.targets)
        return targets
