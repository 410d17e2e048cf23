"""How a scorer is stored: its arrays by name, and the few numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recsys.core.resolve import resolve
from recsys.core.types import Array, Arrays
from recsys.scoring.link import Link
from recsys.scoring.protocols import TrainedScorer
from recsys.scoring.specs import SCORERS


@dataclass(frozen=True, eq=False)
class StoredScorer:
    """A scorer as it is stored.

    Attributes:
        kind: a key of SCORERS.
        link: from scores to ratings; None where they stand for none.
        numbers: what is no array, by name.
    """

    kind: str
    arrays: Arrays
    link: Link | None
    numbers: Mapping[str, float] = field(default_factory=dict)

    def array(self, name: str) -> Array:
        """An array.

        Raises:
            ValueError: it is missing.
        """
        if name not in self.arrays:
            raise ValueError(f"it lacks the array {name!r}")
        return self.arrays[name]

    def number(self, name: str) -> float:
        """A number.

        Raises:
            ValueError: it is missing.
        """
        if name not in self.numbers:
            raise ValueError(f"it lacks the number {name!r}")
        return self.numbers[name]

    def rating_link(self) -> Link:
        """The link.

        Raises:
            ValueError: there is none.
        """
        if self.link is None:
            raise ValueError("it lacks the link from scores to ratings")
        return self.link


def encode(scorer: TrainedScorer) -> StoredScorer:
    """The scorer as it is stored."""
    stored: StoredScorer = resolve(SCORERS[scorer.kind].encode)(scorer)
    return stored


def decode(stored: StoredScorer, n_users: int, n_items: int) -> TrainedScorer:
    """The scorer that `encode` stored.

    Args:
        stored: of a kind in SCORERS.
        n_users, n_items: that it has to know.
    Raises:
        ValueError: an array is missing, or has another shape or type than it should have.
    """
    scorer: TrainedScorer = resolve(SCORERS[stored.kind].decode)(stored)
    for role, n, known in (("users", n_users, scorer.n_users), ("items", n_items, scorer.n_items)):
        if n != known:
            raise ValueError(f"it has {known:,} {role}, and there are {n:,}")
    return scorer


def check_array(name: str, array: Array, shape: tuple[int, ...], dtype: str = "float32") -> None:
    """Refuses an array of another type or shape.

    Raises:
        ValueError: it is not what it should be.
    """
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise ValueError(f"the array {name!r} is {array.dtype} {array.shape}, and not {dtype} {shape}")
