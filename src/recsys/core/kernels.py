"""When compiled loops are worth it where NumPy has functions too: numba is not in every installation."""

from __future__ import annotations

from importlib.util import find_spec

WORTHWHILE = 1 << 20  # rows; with fewer, NumPy takes less time than the import of numba


def are_worthwhile(n_rows: int) -> bool:
    """Whether to go through so many rows by compiled loops: the same results, several times as fast."""
    return n_rows >= WORTHWHILE and find_spec("numba") is not None
