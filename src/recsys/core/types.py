"""Types that every folder shares: arrays by dtype, and a learner's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Float16Array: TypeAlias = np.ndarray[Any, np.dtype[np.float16]]
Float32Array: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
Float64Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
UInt8Array: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
Int8Array: TypeAlias = np.ndarray[Any, np.dtype[np.int8]]
Int32Array: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
Int64Array: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
BoolArray: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

Ids: TypeAlias = np.ndarray[tuple[int], np.dtype[Any]]
"""Raw ids, int64 or object (str), shape (n,)."""
Texts: TypeAlias = np.ndarray[tuple[int], np.dtype[Any]]
"""Texts, object (str), shape (n,)."""
Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]
"""Indices into a vocabulary, shape (n,); −1 is an unknown id."""
Counts: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
"""How often each of n entries occurs, shape (n,)."""
Floats: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float32]]
"""Ratings, shape (n,)."""
Times: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
"""Seconds since 1970-01-01 UTC, shape (n,)."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What json takes and gives."""

Arrays: TypeAlias = dict[str, Array]
"""Name → array, as a safetensors file holds them."""


RowsHere: TypeAlias = Mapping[str, Sequence[slice]]
"""Of arrays whose rows are divided among ranks, by name: the rows that this rank has. Each row is with one rank."""


@dataclass(frozen=True)
class State:
    """All that a learner needs to resume: `model` parameters under their names in the module, `learner` the rest.

    Attributes:
        rows_here: of the arrays that are divided among ranks; only these rows of them count here.
    """

    epoch: int
    model: Arrays
    learner: Arrays
    rows_here: RowsHere = field(default_factory=dict)
