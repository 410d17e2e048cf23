"""The ids that a run knows, among those of a run that knows more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, BoolArray, Float32Array, Indices
from recsys.data.vocabulary import UNKNOWN, Vocabulary


@dataclass(frozen=True, eq=False)
class ExtendedVocabulary:
    """Where the ids that a run knows, and new ones, lie among all of them.

    Attributes:
        known_idx: index among all → among the known, or −1; int32, shape (n,).
        is_new: bool, shape (n,).
        new_idx: index among all → among the new, where it is one; shape (n,).
    """

    known_idx: Indices
    is_new: BoolArray
    new_idx: Array

    @classmethod
    def of(cls, known: Vocabulary, all_ids: Vocabulary) -> ExtendedVocabulary:
        """Of the known ids, and all of them."""
        known_idx = known.index(all_ids.ids)
        is_new = known_idx == UNKNOWN
        return cls(known_idx, is_new, np.cumsum(is_new) - 1)

    @property
    def n_new(self) -> int:
        """How many are new."""
        return int(np.count_nonzero(self.is_new))

    def merge(self, known: Float32Array, new: Float32Array) -> Float32Array:
        """The rows of all ids in their order."""
        rows = np.empty((len(self.is_new), *known.shape[1:]), dtype=known.dtype)
        rows[~self.is_new] = known
        rows[self.is_new] = new
        return rows
