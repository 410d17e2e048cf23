"""Which part of a split each row is in."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Int8Array

TRAIN, VALID, TEST = 0, 1, 2
PartOfRow = Int8Array


def draw_parts(valid_fraction: float, test_fraction: float, random: np.random.Generator, n: int) -> PartOfRow:
    """TRAIN, VALID or TEST for each of n rows: these shares of them, drawn."""
    n_test, n_valid = round(n * test_fraction), round(n * valid_fraction)
    part = np.full(n, TRAIN, dtype=np.int8)
    part[:n_test], part[n_test : n_test + n_valid] = TEST, VALID
    random.shuffle(part)
    return part
