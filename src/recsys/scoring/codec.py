"""How a scorer is stored: its arrays by name, and the few numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys.core.layout import Layout
from recsys.core.resolve import resolve
from recsys.core.types import Arrays
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


def layout(kind: str) -> Layout:
    """What the arrays of a scorer are, where there are "n_users" and "n_items"; `kind` is a key of SCORERS."""
    arrays: Layout = resolve(SCORERS[kind].layout)
    return arrays


def decode(stored: StoredScorer) -> TrainedScorer:
    """The scorer that `encode` stored.

    Args:
        stored: of a kind in SCORERS, its arrays as their layout says.
    Raises:
        ValueError: a number is missing, or something does not go together.
    """
    scorer: TrainedScorer = resolve(SCORERS[stored.kind].decode)(stored)
    return scorer
