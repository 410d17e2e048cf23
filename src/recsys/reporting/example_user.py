"""The section of a report on one user: what they chose, what is recommended to them, and why."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.inference.explain_ranking import RankExplanation
from recsys.inference.ranked import By
from recsys.inference.recommender import Recommender
from recsys.reporting.items import LISTED, Item, item_of


class RatedItem(Item):
    """An item with a rating, given or predicted; None where there is none."""

    rating: float | None


class RatingPull(TypedDict):
    """What one of the user's ratings adds to the interaction, or one of their items to the rank score."""

    id: str
    title: str
    rating: float | None
    pull: float


class Reasons(TypedDict):
    """The parts of a prediction, and the ratings that contribute most; None where the model has no factors.

    The ratings are left out where items are not ranked by predicted rating.
    """

    parts: dict[str, float]
    score: float
    pulls: list[RatingPull] | None
    others: NotRequired[float]
    remainder: NotRequired[float]


class RankReasons(TypedDict):
    """A rank score, and the user's items that contribute most to it."""

    score: float
    pulls: list[RatingPull]
    others: float
    remainder: float


class ExampleUser(TypedDict):
    """A user, the highest of their ratings (or counts), what is recommended to them, and why the first.

    Attributes:
        n_ratings: training ratings, or interactions where the run has no ratings.
        mean: of the ratings; None without.
        reasons: of the predicted rating; None where the run predicts none.
        rank_reasons: of the rank score; None where items are ranked by predicted rating.
    """

    id: str
    n_ratings: int
    mean: float | None
    rated: list[RatedItem]
    recommended: list[RatedItem]
    reasons: Reasons | None
    rank_reasons: RankReasons | None


def example_user(bundle: Bundle) -> ExampleUser:
    """A user with the median number of ratings: the highest of them, what the model recommends, and why the first."""
    recommender = Recommender(bundle)
    by = recommender.ranks_by
    user_idx = int(np.argsort(bundle.counts[by].users, kind="stable")[len(bundle.users) // 2])
    user_id = bundle.users.id_at(user_idx)
    recommended = recommender.recommend(user_id, LISTED)
    item_idx, rating = bundle.seen.of_user(user_idx)
    highest = np.lexsort((-bundle.counts["ranking"].items[item_idx], -np.nan_to_num(rating)))[:LISTED]
    given = rating[~np.isnan(rating)] if "rating" in bundle.scorers else rating[:0]  # counts are no ratings
    explained = (
        recommender.explain_ranking(user_id, recommended[0].item_id, LISTED)
        if recommended and by == "ranking"
        else None
    )
    return {
        "id": str(user_id),
        "n_ratings": int(bundle.counts[by].users[user_idx]),
        "mean": float(given.mean(dtype=np.float64)) if len(given) else None,
        "rated": [_rated(bundle, by, int(item_idx[place]), rating[place]) for place in highest.tolist()],
        "recommended": [
            {
                "id": str(item.item_id),
                "title": item.title or "",
                "n_ratings": item.n_interactions if by == "ranking" else item.n_ratings,
                "rating": item.rating,
            }
            for item in recommended
        ],
        "reasons": _reasons(recommender, user_id, recommended[0].item_id) if recommended else None,
        "rank_reasons": None if explained is None else _rank_reasons(explained),
    }


def _rated(bundle: Bundle, by: By, item_idx: int, rating: np.float32) -> RatedItem:
    item = item_of(bundle, item_idx)
    return {
        "id": item["id"],
        "title": item["title"],
        "n_ratings": int(bundle.counts[by].items[item_idx]),
        "rating": None if np.isnan(rating) else float(rating),
    }


def _reasons(recommender: Recommender, user_id: int | str, item_id: int | str) -> Reasons | None:
    bundle = recommender.bundle
    if "rating" not in bundle.scorers:
        return None
    if recommender.ranks_by != "rating" or bundle.rating.as_factors() is None:
        prediction = recommender.predict(user_id, item_id, on_unknown="mean")
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


def _rank_reasons(explanation: RankExplanation) -> RankReasons:
    return {
        "score": explanation.score,
        "pulls": [
            {"id": str(item.item_id), "title": item.title or "", "rating": item.rating, "pull": item.contribution}
            for item in explanation.contributions
        ],
        "others": explanation.others,
        "remainder": explanation.remainder,
    }
