"""Long columns in chunks, so that no temporary array is as long as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys.core.types import Counts, Indices

CHUNK = 1 << 20


def chunks(n: int) -> Iterator[slice]:
    """Slices that cover n rows in order."""
    return (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))


def count(idx: Indices, n: int) -> Counts:
    """How often each index occurs, int64, shape (n,)."""
    counts = np.zeros(n, dtype=np.int64)
    for rows in chunks(len(idx)):
        counts += np.bincount(idx[rows], minlength=n)
    return counts
