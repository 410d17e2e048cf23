"""Measuring in interleaved rounds, and the rows of a comparison that come of it."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Spread:
    """The least, the median and the largest of what the rounds gave."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return f"min {self.least:.2f}, median {self.median:.2f}, max {self.most:.2f}"


@dataclass(frozen=True)
class Row:
    """A line of a table: `times` says how many times as fast recsys is as `peer`; None where that was not found."""

    what: str
    peer: str
    ours: str
    theirs: str
    times: Spread | None

    def __str__(self) -> str:
        faster = f"; times as fast: {self.times}" if self.times else ""
        return f"{self.what}: recsys {self.ours}; {self.peer} {self.theirs}{faster}"


class PeerError(Exception):
    """A peer is not to be had on this machine; the message says why, in a few words."""


def interleaved(measures: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """What each measure gives in each round; a round runs them one after the other."""
    results: dict[K, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """above / below, round by round."""
    return Spread.of([a / b for a, b in zip(above, below, strict=True)])


def attempted(what: str, peer: str, measure: Callable[[], Row]) -> Row:
    """The row that `measure` gives, or one that says why there is none."""
    try:
        return measure()
    except PeerError as error:
        return Row(what, peer, "–", str(error), None)


def command_line(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows a module's docstring as it stands."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
