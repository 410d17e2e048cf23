"""The different ratings, numbered where a byte is enough: blocks of a prepared store hold these numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types

from recsys.core.jit import compiled, readable
from recsys.core.types import Array, Float32Array, Floats
from recsys.data.prepared import MOST_LEVELS
from recsys.data.scale import Scale

TABLE = 1024  # slots: a power of two, some times as many as levels
MASK = np.uint64(TABLE - 1)
MULTIPLIER = np.uint64(0x9E3779B1)
SHIFT, ONE = np.uint64(16), np.uint64(1)


class Levels:
    """Numbers float32 in the order in which they first came, told apart by their bits."""

    def __init__(self) -> None:
        self._keys, self._numbers = np.zeros(TABLE, np.uint32), np.full(TABLE, -1, np.int32)
        self._n = 0

    @property
    def are_too_many(self) -> bool:
        """Whether a byte does not tell them apart."""
        return self._n > MOST_LEVELS

    @property
    def values(self) -> Float32Array:
        """By number; none where they are too many."""
        if self.are_too_many:
            return np.empty(0, np.float32)
        slots = np.flatnonzero(self._numbers >= 0)
        return self._keys[slots[np.argsort(self._numbers[slots])]].view(np.float32)

    def codes(self, values: Floats) -> Array | None:
        """The number of each, uint8; None where they are too many, these included."""
        if self.are_too_many:
            return None
        codes = np.empty(len(values), np.uint8)
        bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
        self._n = _numbering()(bits, self._keys, self._numbers, self._n, codes)
        return None if self.are_too_many else codes


def standardised(levels: Levels, scale: Scale) -> Levels:
    """Those of standardised ratings, in the order of their bits; as of `sort_into_blocks`."""
    if levels.are_too_many:
        return levels
    result, values = Levels(), (levels.values - np.float32(scale.mean)) / np.float32(scale.std)
    result.codes(np.unique(values.view(np.uint32)).view(np.float32))
    return result


@cache
def _numbering() -> Callable[..., int]:
    """(bits, keys, numbers, n, codes) → how many numbers there are then, or one more than may be."""
    bits, codes = readable("uint32"), types.uint8[::1]
    kind = types.int64(bits, types.uint32[::1], types.int32[::1], types.int64, codes)
    return compiled(kind, name="number_levels")(_number)


def _number(bits: Any, keys: Any, numbers: Any, n: Any, codes: Any) -> Any:
    for t in range(len(bits)):
        slot = ((bits[t] * MULTIPLIER) >> SHIFT) & MASK
        while numbers[slot] >= 0 and keys[slot] != bits[t]:
            slot = (slot + ONE) & MASK
        if numbers[slot] < 0:
            if n == MOST_LEVELS:
                return n + 1
            keys[slot], numbers[slot] = bits[t], n
            n += 1
        codes[t] = numbers[slot]
    return n
