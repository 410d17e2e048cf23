"""The sections of a report that name items: the map, the highest and lowest biases, an example user."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import RunError
from recsys.core.types import Array
from recsys.inference.recommender import Recommender
from recsys.reporting.directions import main_directions

MAP_ITEMS = 2000  # more make a cloud on any screen, and a file that is slow to open
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
    """The most rated items, how many there are besides, and the share of the variance of both directions."""

    items: list[MapItem]
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
    shown = np.argsort(-bundle.counts["rating"].items, kind="stable")[:MAP_ITEMS]
    places = directions.positions[shown].astype(np.float64).round(4).tolist()
    return {
        "items": [{**_item(bundle, idx), "x": x, "y": y} for idx, (x, y) in zip(shown.tolist(), places, strict=True)],
        "left_out": len(bundle.items) - len(shown),
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
    train = bundle.seen.interactions()
    mean = np.bincount(train.item_idx, train.rating, minlength=len(bias)) / bundle.counts["rating"].items

    def row(idx: int) -> BiasItem:
        return {**_item(bundle, idx), "bias": float(bias[idx]), "mean": float(mean[idx])}

    n = min(LISTED, len(order) // 2)  # or an item would be in both lists
    return {
        "min_ratings": least,
        "top": [row(idx) for idx in order[:n].tolist()],
        "bottom": [row(idx) for idx in order[::-1][:n].tolist()],
    }


class RatedItem(Item):
    """An item with a rating, given or predicted."""

    rating: float


class RatingPull(TypedDict):
    """What one of the user's ratings adds to the interaction."""

    id: str
    title: str
    rating: float
    pull: float


class Reasons(TypedDict):
    """The parts of a prediction, and the ratings that contribute most; None where the model has no factors."""

    parts: dict[str, float]
    score: float
    pulls: list[RatingPull] | None
    others: NotRequired[float]
    remainder: NotRequired[float]


class ExampleUser(TypedDict):
    """A user, the highest of their ratings, what is recommended to them, and why the first."""

    id: str
    n_ratings: int
    mean: float
    rated: list[RatedItem]
    recommended: list[RatedItem]
    reasons: Reasons | None


def example_user(bundle: Bundle) -> ExampleUser:
    """A user with the median number of ratings: the highest of them, what the model recommends, and why the first."""
    user_idx = int(np.argsort(bundle.counts["rating"].users, kind="stable")[len(bundle.users) // 2])
    user_id = bundle.users.id_at(user_idx)
    recommender = Recommender(bundle)
    recommended = recommender.recommend(user_id, LISTED)
    rated, rating = bundle.seen.of_user(user_idx)
    highest = np.lexsort((-bundle.counts["rating"].items[rated], -rating))[:LISTED]
    return {
        "id": str(user_id),
        "n_ratings": len(rated),
        "mean": float(rating.mean(dtype=np.float64)),
        "rated": [{**_item(bundle, int(rated[place])), "rating": float(rating[place])} for place in highest.tolist()],
        "recommended": [
            {"id": str(item.item_id), "title": item.title or "", "n_ratings": item.n_ratings, "rating": item.rating}
            for item in recommended
        ],
        "reasons": _reasons(recommender, user_id, recommended[0].item_id) if recommended else None,
    }


def _reasons(recommender: Recommender, user_id: int | str, item_id: int | str) -> Reasons:
    if recommender.bundle.rating.as_factors() is None:
        prediction = recommender.predict(user_id, item_id)
        return {"parts": prediction.parts, "score": prediction.score, "pulls": None}
    explanation = recommender.explain(user_id, item_id, LISTED)
    return {
        "parts": explanation.prediction.parts,
        "score": explanation.prediction.score,
        "pulls": [
            {"id": str(item.item_id), "title": item.title or "", "rating": item.rating, "pull": item.contribution}
            for item in explanation.contributions
        ],
        "others": explanation.others,
        "remainder": explanation.remainder,
    }


def _item(bundle: Bundle, idx: int) -> Item:
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
