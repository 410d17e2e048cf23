"""The interactions of users, or of items, as implicit ALS reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, BoolArray, Counts, Float32Array, Indices, Int64Array
from recsys.data.chunks import chunks
from recsys.data.grouped import GroupedView
from recsys.training.ials.simd_intrinsics import GROUP

RANGE = 4_000  # interactions that a thread takes at a time
ROW = 40  # a row costs as much as so many interactions


@dataclass(frozen=True, eq=False)
class Systems:
    """The interactions of each user, one user after the other; or of each item, with the names exchanged.

    Attributes:
        start: int64, shape (n_users + 1,); user u has the interactions start[u] … start[u + 1] − 1, perhaps none.
        idx: int32, shape (n,), the item of each.
        target: float32, shape (n,), what its score should be.
        bounds: int64: a thread takes the users bounds[p] … bounds[p + 1] − 1 at a time.
    """

    start: Int64Array
    idx: Indices
    target: Float32Array
    bounds: Int64Array

    @classmethod
    def of(cls, grouped: GroupedView, targets: Float32Array, kept: BoolArray | None = None) -> Systems:
        """Puts the targets into the order of the users, and cuts these into ranges of about equal work.

        Args:
            grouped: the interactions by user.
            targets: of each interaction, by row, shape (n,).
            kept: which rows to take, shape (n,); None: all.
        """
        start, idx, target = grouped.start, grouped.other_idx, _in_order(grouped, targets)
        if kept is not None:
            is_kept = _in_order(grouped, kept)
            start = np.concatenate([[0], np.cumsum(is_kept)])[start]
            idx, target = idx[is_kept], target[is_kept]
        return cls(start, idx, target, _bounds(start))

    @property
    def counts(self) -> Counts:
        """Interactions of each user, int64, shape (n_users,)."""
        return np.diff(self.start)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.start.nbytes + self.idx.nbytes + self.target.nbytes

    @property
    def n_known(self) -> int:
        """Users who have interactions."""
        return int(np.count_nonzero(self.counts))


def _in_order(grouped: GroupedView, by_row: Array) -> Array:
    """Values of rows in the order of the view."""
    if grouped.sorted_rows is None:
        return by_row
    values = np.empty_like(by_row)
    for some in chunks(len(by_row)):
        values[some] = by_row[grouped.sorted_rows[some]]
    return values


def _bounds(start: Int64Array) -> Int64Array:
    n = len(start) - 1
    groups = np.arange(0, n, GROUP)
    cost = (start[:-1] + ROW * np.arange(n))[groups]
    return np.append(groups[np.diff(cost // RANGE, prepend=-1) > 0], n)
