"""The rows that one rank has of each file, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys.core.types import Array, BoolArray
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary

RATING = 2  # which of the columns they are
PartColumns = dict[str, list[Array]]
"""By part, the one to train on first, columns: user_idx, item_idx, rating and, where they are used, times."""


@dataclass(frozen=True, eq=False)
class RowsOfRank:
    """The rows of one rank. In each part they follow those of the ranks before it; parts follow each other.

    Attributes:
        parts: who splits the rows takes their columns out.
        users, items: of all rows.
        fingerprints, item_column: as of Dataset.
    """

    parts: PartColumns
    users: Vocabulary
    items: Vocabulary
    fingerprints: Mapping[str, str]
    item_column: str | None

    @property
    def train(self) -> list[Array]:
        """The columns of the part to train on, or to hold rows out of."""
        return next(iter(self.parts.values()))

    def train_rows(self) -> Interactions:
        """These columns together."""
        user_idx, item_idx, rating, *times = self.train
        return Interactions(user_idx, item_idx, rating, times[0] if times else None, self.users, self.items)

    def keep(self, part: str, stays: BoolArray) -> None:
        """Leaves the other rows of a part out."""
        self.parts[part][:] = [column[stays] for column in self.parts[part]]
