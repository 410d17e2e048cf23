"""What stands for whoever is unknown."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Float32Array


def with_fallback(rows: Float32Array) -> Float32Array:
    """`rows`, shape (n,) or (n, dim), and one more for an unknown id: their mean, each row counted once.

    Weighting by ratings would describe the popular; who or what is unknown is more like the rare
    (docs/experiments/unknown-ids.md).
    """
    return np.concatenate([rows, rows.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)])
