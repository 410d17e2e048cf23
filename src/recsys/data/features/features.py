"""What is known of all items, or of all users, of a features file."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.core.types import Indices
from recsys.data.features.encoder import FeatureEncoder
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Features:
    """A features file, encoded.

    Attributes:
        ids: all ids of the file, also those that nobody has rated, of the type of the run's ids.
        matrix: a row for each of them.
    """

    ids: Vocabulary
    encoder: FeatureEncoder
    matrix: FeatureMatrix

    def rows_of(self, vocabulary: Vocabulary) -> Indices:
        """The row of each id of a vocabulary, int32, shape (n,); −1: the file does not have it."""
        return self.ids.index(vocabulary.ids)

    def matrix_of(self, vocabulary: Vocabulary) -> FeatureMatrix:
        """A row for each id of a vocabulary; one without entries where the file does not have it."""
        return self.matrix.take(self.rows_of(vocabulary))
