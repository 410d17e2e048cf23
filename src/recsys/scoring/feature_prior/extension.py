"""The users, or the items, of a scorer, and behind them those that features alone tell of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsys.core.types import BoolArray, Counts, Ids
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.feature_prior.prior import FeaturePrior
from recsys.scoring.new_rows import NewRows


@dataclass(frozen=True, eq=False)
class ExtendedSide:
    """Users (or items) with those behind them of whom only the features are known.

    Attributes:
        known: those that the run was trained with.
        features: of any; None: there are none.
    """

    known: Vocabulary
    features: Features | None

    @cached_property
    def ids(self) -> Vocabulary:
        """All of them; the known keep their indices."""
        return self.known if self.features is None else self.known.with_behind(featured_ids(self.features))

    @cached_property
    def matrix(self) -> FeatureMatrix | None:
        """The features of all of them."""
        return None if self.features is None else self.features.matrix_of(self.ids)

    def counts(self, known: Counts) -> Counts:
        """How many interactions all have, of those that the known have."""
        return np.append(known, np.zeros(self.ids.n_behind, known.dtype))

    def are_from_features(self, known: Counts, prior: FeaturePrior | None) -> BoolArray:
        """Who is served by features: all that have features and no interactions; bool, shape (n,)."""
        if self.matrix is None or prior is None:
            return np.zeros(len(self.ids), dtype=bool)
        has_none: BoolArray = self.counts(known) == 0
        return has_none & self.matrix.has_any

    def rows(self, known: Counts, prior: FeaturePrior | None) -> NewRows:
        """What a scorer is given: the rows of these, and for all others what it has."""
        source = np.arange(len(self.ids), dtype=np.int32)
        source[len(self.known) :] = -1
        if self.matrix is None or prior is None:
            return NewRows(source, np.empty(0, np.int32), np.empty((0, 0), np.float32))
        idx = np.flatnonzero(self.are_from_features(known, prior)).astype(np.int32)
        features = self.matrix.take(idx)
        return NewRows(source, idx, prior.rows(features), features)


def featured_ids(features: Features) -> Ids:
    """The ids of which anything is known."""
    return features.ids.ids[features.matrix.has_any]
