"""What else is known of the items that goes with a direction of taste, only where that is beyond chance."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Array, Json
from recsys.data.sources.values import number

LEVEL = 0.05  # of one false finding or more among all values and directions
PERMUTATIONS = 999
STRATUM = 50  # items of like popularity, among which values change places
FEWEST = 10  # items with a value, and without it: fewer show nothing
MOST = 100  # values of one column that are looked at, the most frequent
SHARE = 0.9  # of the texts in a column that have to be numbers, or to hold a year
TINY = 1e-300
YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Trait:
    """A value of a column that holds texts; None of one that holds numbers, of which the rank counts.

    Attributes:
        n_items: items that have the value, or a number.
    """

    column: str
    value: str | None
    n_items: int


@dataclass(frozen=True)
class Association:
    """A trait that goes with a direction.

    Attributes:
        direction: its number, from 0.
        correlation: weighted by ratings, among items of like popularity; above 0, the trait is at the high end.
        p: share of shuffles in which anything was associated as strongly with any direction.
    """

    direction: int
    column: str
    value: str | None
    correlation: float
    n_items: int
    p: float

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def traits_of(columns: Mapping[str, Array]) -> tuple[list[Trait], Array]:
    """What can be compared of the items.

    A column of numbers is taken by rank. One whose texts hold a year (in a date, or at the end of a title) is taken as
    that year, the last one in the text. Of any other column, texts are cut at "|", and each value that enough items
    have, and enough have not, is a trait; so a column whose values are nearly all distinct falls away.

    Args:
        columns: name → text of each item, "" where there is none.
    Returns:
        the traits, and what each item has of them, float64, shape (n_items, n_traits): 1 or 0 for a value, a rank for a
        number, with the mean rank where there is none.
    """
    pairs = [pair for name, texts in columns.items() for pair in _traits(name, texts)]
    values = np.stack([values for _, values in pairs], axis=1) if pairs else np.zeros((0, 0))
    return [trait for trait, _ in pairs], values


def associations(traits: list[Trait], values: Array, positions: Array, weight: Array) -> list[Association]:
    """The traits that go with a direction beyond chance, by direction, the strongest first.

    Items are sorted by weight into strata of about 50. With u_i = w_i (x_i − the weighted mean of x in i's stratum),
    T = Σ_i u_i z_i, whose mean is 0 and whose variance is Σ_s (Σ_i u_i²) (Σ_i (z_i − z̄_s)²) / (n_s − 1), sums over the
    items of stratum s, when z is shuffled within strata. |T| / its standard deviation is held against the largest such
    figure over all traits and directions in each of 999 shuffles, in which an item keeps its traits together; what at
    most 5% of these reach is kept. So the chance of one false finding or more is 5%, whatever the number of traits,
    and what merely goes with popularity is not found.

    Args:
        traits, values: of `traits_of`, for these items.
        positions: of the items in each direction, shape (n_items, n_directions).
        weight: training ratings of each item.
    Source: Westfall & Young 1993, "Resampling-Based Multiple Testing" (single-step maxT).
    """
    if not traits:
        return []
    order = np.argsort(-weight, kind="stable")
    values, weight = values[order], weight[order].astype(np.float64)[:, None]
    stratum = np.arange(len(order)) * max(1, len(order) // STRATUM) // len(order)
    weighted = weight * _centred(positions[order].astype(np.float64), stratum, weight)
    deviation = np.sqrt(_variance(values, weighted, stratum))
    deviation[deviation <= 1e-12 * deviation.max()] = np.inf  # what does not vary among like items shows nothing
    statistic = values.T @ weighted
    highest = _highest_of_shuffles(values, weighted, deviation, stratum)
    p = (1 + (highest[:, None, None] >= np.abs(statistic) / deviation).sum(axis=0)) / (1 + PERMUTATIONS)
    length = np.sqrt((weight * _centred(values, stratum, weight) ** 2).sum(axis=0))
    correlation = statistic / np.maximum(np.outer(length, np.sqrt((weighted**2 / weight).sum(axis=0))), TINY)
    significant = [
        Association(
            direction=direction,
            column=traits[row].column,
            value=traits[row].value,
            correlation=float(correlation[row, direction]),
            n_items=traits[row].n_items,
            p=float(p[row, direction]),
        )
        for row, direction in np.argwhere(p <= LEVEL).tolist()
    ]
    return sorted(significant, key=lambda association: (association.direction, -abs(association.correlation)))


def _traits(name: str, texts: Array) -> list[tuple[Trait, Array]]:
    """The traits in one column, each with what the items have of it."""
    given = [text for text in texts.tolist() if text]
    if len(given) < 2 * FEWEST:
        return []
    for read, label in ((_number, name), (_year, f"year of {name}")):
        numbers = np.array([read(text) for text in texts.tolist()])
        known = int(np.isfinite(numbers).sum())
        if known >= SHARE * len(given):
            differ = len(np.unique(numbers[np.isfinite(numbers)])) > 1
            return [(Trait(label, None, known), _ranks(numbers))] if differ else []
    return [(Trait(name, value, int(has.sum())), has) for value, has in _frequent(texts)]


def _highest_of_shuffles(values: Array, weighted: Array, deviation: Array, stratum: Array) -> Array:
    """The largest |T| / deviation of each shuffle, shape (PERMUTATIONS,)."""
    draw = rng(0, "shuffled traits")
    highest = np.empty(PERMUTATIONS)
    for shuffle in range(PERMUTATIONS):
        within = np.argsort(stratum + draw.random(len(stratum)))
        highest[shuffle] = (np.abs(values.T @ weighted[within]) / deviation).max()
    return highest


def _variance(values: Array, weighted: Array, stratum: Array) -> Array:
    """Of T under shuffles, shape (n_traits, n_directions)."""
    starts = np.flatnonzero(np.diff(stratum, prepend=-1))
    size = np.diff(np.append(starts, len(stratum)))[:, None]
    total, squares = np.add.reduceat(values, starts, axis=0), np.add.reduceat(values**2, starts, axis=0)
    spread = (squares - total**2 / size).clip(min=0)
    return np.asarray((spread / np.maximum(size - 1, 1)).T @ np.add.reduceat(weighted**2, starts, axis=0))


def _centred(columns: Array, stratum: Array, weight: Array) -> Array:
    """Without the weighted mean of each stratum."""
    starts = np.flatnonzero(np.diff(stratum, prepend=-1))
    total = np.add.reduceat(columns * weight, starts, axis=0)
    return np.asarray(columns - (total / np.add.reduceat(weight, starts, axis=0))[stratum])


def _frequent(texts: Array) -> list[tuple[str, Array]]:
    """Values that enough items have and enough have not, the most frequent first, and which items have them."""
    split = [{part.strip() for part in text.split("|")} - {""} for text in texts.tolist()]
    counts = Counter(value for values in split for value in sorted(values))
    often = [value for value, n in counts.most_common(MOST) if FEWEST <= n <= len(split) - FEWEST]
    return [(value, np.array([float(value in values) for values in split])) for value in often]


def _ranks(numbers: Array) -> Array:
    """Ranks from 0 to 1, equal numbers sharing theirs, 0.5 for NaN."""
    known = np.isfinite(numbers)
    _, place, counts = np.unique(numbers[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks = np.full(len(numbers), 0.5)
    ranks[known] = middle[place] / max(int(known.sum()) - 1, 1)
    return ranks


def _number(text: str) -> float:
    value = number(text)
    return math.nan if value is None else value


def _year(text: str) -> float:
    years = YEAR.findall(text)
    return float(years[-1]) if years else math.nan
