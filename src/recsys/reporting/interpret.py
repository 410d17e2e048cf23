"""What a model has learned, in words that people know: biases, directions of taste, and who stands at their ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import UsageError
from recsys.core.threads import one_blas_thread
from recsys.core.types import Array, Json
from recsys.core.words import counted
from recsys.data.chunks import chunks
from recsys.reporting.directions import Directions, main_directions
from recsys.reporting.feature_weights import FeatureWeight, feature_weights
from recsys.reporting.trait_associations import LEVEL, PERMUTATIONS, Association, associations, traits_of

ENOUGH = 30  # training ratings of an item that is listed, unless that leaves too few items
MANY = 100  # items
MOST = 20_000  # items among which columns are compared with directions, the most rated
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class ItemBias:
    """An item with its bias, in rating units, beside the plain mean of its training ratings."""

    item_id: int | str
    title: str | None
    bias: float
    mean_rating: float
    n_ratings: int


@dataclass(frozen=True)
class ItemPosition:
    """An item with its position along a direction, in rating units (see Directions)."""

    item_id: int | str
    title: str | None
    position: float
    n_ratings: int


@dataclass(frozen=True)
class Direction:
    """A main direction of taste.

    Attributes:
        share: of the variance of all interactions.
        low, high: the items at its two ends, the outermost first.
        goes_with: what the items file says that goes with it beyond chance, the strongest first.
    """

    number: int
    share: float
    low: list[ItemPosition]
    high: list[ItemPosition]
    goes_with: list[Association]


@dataclass(frozen=True)
class Interpretation:
    """What `interpret` finds.

    Attributes:
        min_ratings: training ratings of each item that is listed; `n_items` items have as many.
        highest, lowest: items by bias.
        user_bias: quantile ("0.05", …) → bias of the users, in rating units.
        n_traits: values and columns of the items file that were compared with the directions.
        features: what those of the items say, where the run has any: the most telling first.
        figures: the files of the figures, where there are any.
        level, n_permutations: of the permutation test of these associations.
    """

    min_ratings: int
    n_items: int
    highest: list[ItemBias]
    lowest: list[ItemBias]
    user_bias: dict[str, float]
    directions: list[Direction]
    n_traits: int
    features: tuple[FeatureWeight, ...] = ()
    figures: tuple[Path, ...] = ()
    level: float = LEVEL
    n_permutations: int = PERMUTATIONS

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; with "features" and "figures" where there are any."""
        content = asdict(self)
        optional = {
            "features": [feature.to_dict() for feature in self.features],
            "figures": [str(path) for path in self.figures],
        }
        return {name: value for name, value in (content | optional).items() if name not in optional or value}


@one_blas_thread()
def interpret(bundle: Bundle, n: int = 10, n_directions: int = 5, min_ratings: int | None = None) -> Interpretation:
    """Reads the biases and the main directions of a dot product.

    An item's bias is b_i + p̄·q_i and a user's b_u + p_u·q̄, with p̄ the mean of the users' factors and q̄ that of the
    items', weighted by ratings: what is left for taste then averages to 0. Directions: see `main_directions`; all items
    make them, and those with enough ratings are listed and compared with the items file.

    Args:
        n: items in each list; fewer come back where there are not so many.
        n_directions: how many directions.
        min_ratings: training ratings of an item that is listed. None: 30, or what the 100th most rated item has where
            that is less.
    Raises:
        RunError: the model is no dot product.
        UsageError: no item has so many ratings.
    """
    counts, factors = bundle.counts["rating"].items, bundle.factors
    if min_ratings is None:
        min_ratings = min(ENOUGH, int(np.sort(counts)[::-1][:MANY][-1]))
    listed = np.flatnonzero(counts >= min_ratings)
    if not len(listed):
        raise UsageError(
            f"no item has {counted(min_ratings, 'training rating')}",
            where="--min-ratings",
            expected=f"at most {counts.max():,}, which the most rated item has",
        )
    bias = item_biases(bundle)
    means = _mean_ratings(bundle)
    mean_item = (counts / counts.sum()) @ factors.item_factors[:-1]
    user_bias = factors.user_bias[:-1] + factors.user_factors[:-1] @ mean_item
    by_bias = listed[np.argsort(bias[listed], kind="stable")]
    main = main_directions(bundle, n_directions)
    directions, n_traits = _directions(bundle, n, main, listed)
    return Interpretation(
        min_ratings=min_ratings,
        n_items=len(listed),
        highest=[
            ItemBias(*_named(bundle, i), float(bias[i]), float(means[i]), int(counts[i])) for i in by_bias[::-1][:n]
        ],
        lowest=[ItemBias(*_named(bundle, i), float(bias[i]), float(means[i]), int(counts[i])) for i in by_bias[:n]],
        user_bias={
            str(at): float(value) for at, value in zip(QUANTILES, np.quantile(user_bias, QUANTILES), strict=True)
        },
        directions=directions,
        n_traits=n_traits,
        features=tuple(feature_weights(bundle, main, n)),
    )


def item_biases(bundle: Bundle) -> Array:
    """b_i + p̄·q_i of each item, float64, shape (n_items,)."""
    factors = bundle.factors
    mean_user = factors.user_factors[:-1].mean(axis=0, dtype=np.float64)
    return np.asarray(factors.item_bias[:-1] + factors.item_factors[:-1] @ mean_user)


def _directions(bundle: Bundle, n: int, main: Directions, listed: Array) -> tuple[list[Direction], int]:
    """The directions, and how many traits they were compared with."""
    counts = bundle.counts["rating"].items
    compared = listed[np.argsort(-counts[listed], kind="stable")[:MOST]]
    columns = {"title": bundle.titles, **bundle.item_columns}
    traits, values = traits_of({name: texts[compared] for name, texts in columns.items()})
    associated = associations(traits, values, main.positions[compared], counts[compared])
    directions = []
    for number, share in enumerate(main.share.tolist()):
        position = main.positions[:, number]
        low_first = listed[np.argsort(position[listed], kind="stable")].tolist()
        low, high = (
            [ItemPosition(*_named(bundle, i), float(position[i]), int(counts[i])) for i in end[:n]]
            for end in (low_first, low_first[::-1])
        )
        goes_with = [association for association in associated if association.direction == number]
        directions.append(Direction(number + 1, share, low, high, goes_with))
    return directions, len(traits)


def _named(bundle: Bundle, item_idx: int) -> tuple[int | str, str | None]:
    return bundle.items.id_at(item_idx), bundle.title_at(item_idx)


def _mean_ratings(bundle: Bundle) -> Array:
    """The mean training rating of each item, float64, shape (n_items,)."""
    ratings = bundle.seen.interactions().rated()
    total = np.zeros(len(bundle.items))
    for rows in chunks(len(ratings)):
        total += np.bincount(ratings.item_idx[rows], ratings.rating[rows], minlength=len(total))
    return np.asarray(total / np.maximum(bundle.counts["rating"].items, 1))
