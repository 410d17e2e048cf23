"""What one file holds, as columns: ids as codes with their texts, numbers as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recsys.core.types import Floats, Indices, Texts, Times
from recsys.data.chunks import chunks

Role = Literal["user", "item", "rating", "timestamp"]
TimeUnit = Literal[
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "Excel days",
    "YYYYMMDD",
    "YYYYMMDDhhmm",
    "YYYYMMDDhhmmss",
    "years",
    "ISO dates",
    "dates",
    "Arrow timestamps",
]

IN_SECONDS: tuple[TimeUnit | None, ...] = ("ISO dates", "dates", "Arrow timestamps", None)
"""Units whose times are given in seconds as they are read; the others are numbers, see times.py."""
ROLES: tuple[Role, ...] = ("user", "item", "rating", "timestamp")
EVERYTHING: frozenset[Role] = frozenset(ROLES)


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of ids.

    Attributes:
        codes: int32, shape (n,), which of `texts` each row holds.
        texts: object (str), shape (k,), each id once, in order of first appearance.
        is_text: whether the source says that its ids are texts; then they stay texts if all are written as numbers.
    """

    codes: Indices
    texts: Texts
    is_text: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of one file that were asked for; None for the others and for times that it has not.

    Attributes:
        rating: float32, shape (n,), in the units of the file.
        timestamp: float64, shape (n,), seconds since 1970-01-01 UTC.
        time_unit: what the file gives times in.
    """

    user: Coded | None
    item: Coded | None
    rating: Floats | None
    timestamp: Times | None
    time_unit: TimeUnit | None
    n_rows: int


def as_texts(texts: list[str]) -> Texts:
    """An object array of `texts`, also where they are all of one length."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def remap(codes: Indices, new: Indices) -> Indices:
    """`new[codes]`, written over `codes` chunk by chunk, so that no second array is needed."""
    for rows in chunks(len(codes)):
        np.take(new, codes[rows], out=codes[rows], mode="clip")  # which needs no buffer, as others do
    return codes
