"""The sections of a report that name items: the map, and the highest and lowest biases."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import RunError
from recsys.core.types import Array
from recsys.reporting.directions import main_directions

MAP_ITEMS = 2000  # more make a cloud on any screen
SEARCHED = 200_000  # more make a file that is slow to open
LISTED = 10


class Item(TypedDict):
    """An item as the page shows it: title "" where there is none."""

    id: str
    title: str
    n_ratings: int


class MapItem(Item):
    """An item with its positions along the two main directions."""

    x: float
    y: float


class ItemMap(TypedDict):
    """The most rated items, the next ones to be searched, and the share of the variance of both directions.

    Attributes:
        others: id, title, number of ratings and both positions of each.
        left_out: how many there are besides.
    """

    items: list[MapItem]
    others: list[tuple[str, str, int, float, float]]
    left_out: int
    share: list[float]


def item_map(bundle: Bundle) -> ItemMap | str:
    """Where the most rated items lie in the two main directions; a sentence where the model has no such thing."""
    try:
        directions = main_directions(bundle, 2)
    except RunError as error:
        return f"There is no map of the items: {error.what}."
    if directions.positions.shape[1] < 2:
        return "A map needs two factors, and this model has fewer."
    listed = np.argsort(-bundle.counts["rating"].items, kind="stable")[:SEARCHED]
    places = directions.positions[listed].astype(np.float64).round(4).tolist()
    items: list[MapItem] = [
        {**item_of(bundle, idx), "x": x, "y": y} for idx, (x, y) in zip(listed.tolist(), places, strict=True)
    ]
    return {
        "items": items[:MAP_ITEMS],
        "others": [(one["id"], one["title"], one["n_ratings"], one["x"], one["y"]) for one in items[MAP_ITEMS:]],
        "left_out": len(bundle.items) - len(items),
        "share": directions.share.tolist(),
    }


class BiasItem(Item):
    """An item with its bias and its mean training rating."""

    bias: float
    mean: float


class Extremes(TypedDict):
    """The items with the highest and the lowest biases, of those with at least `min_ratings` training ratings."""

    min_ratings: int
    top: list[BiasItem]
    bottom: list[BiasItem]


def extremes(bundle: Bundle) -> Extremes | str:
    """The items with the highest and the lowest biases, among those with enough ratings to tell."""
    try:
        bias = bundle.factors.item_bias[:-1]
    except RunError as error:
        return f"There are no biases to list: {error.what}."
    if not bias.any():
        return "This model was trained without biases."
    least = _least(bundle.counts["rating"].items)
    allowed = np.flatnonzero(bundle.counts["rating"].items >= least)
    order = allowed[np.argsort(-bias[allowed], kind="stable")]
    train = bundle.seen.interactions().rated()
    mean = np.bincount(train.item_idx, train.rating, minlength=len(bias)) / np.maximum(bundle.counts["rating"].items, 1)

    def row(idx: int) -> BiasItem:
        return {**item_of(bundle, idx), "bias": float(bias[idx]), "mean": float(mean[idx])}

    n = min(LISTED, len(order) // 2)  # or an item would be in both lists
    return {
        "min_ratings": least,
        "top": [row(idx) for idx in order[:n].tolist()],
        "bottom": [row(idx) for idx in order[::-1][:n].tolist()],
    }


def item_of(bundle: Bundle, idx: int) -> Item:
    """An item by its index."""
    return {
        "id": str(bundle.items.id_at(idx)),
        "title": bundle.title_at(idx) or "",
        "n_ratings": int(bundle.counts["rating"].items[idx]),
    }


def _least(counts: Array) -> int:
    """With how many ratings an item is listed: the highest of a few limits that leaves a choice."""
    for least in (50, 20, 10, 5):
        if np.count_nonzero(counts >= least) >= 10 * LISTED:
            return least
    return 1
