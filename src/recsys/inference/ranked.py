"""By which scorer items are ranked, and those that come first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.arguments import choice, optional
from recsys.core.errors import RunError
from recsys.core.types import Array, BoolArray, Float32Array, Indices, Json
from recsys.scoring.top import masked_top_n

if TYPE_CHECKING:
    from recsys.scoring.implicit.scorer import ImplicitFactors

By = Literal["ranking", "rating"]
BY = optional(choice(*get_args(By)))


@dataclass(frozen=True)
class Recommendation:
    """An item for a user.

    Attributes:
        rating: predicted; None where nothing predicts one.
        score: what it is ranked by. That of ranking has no unit.
        n_ratings, n_interactions: of the item in training; without a rating are clicks.
        from_features: whether there are none, and the item is ranked by its features.
    """

    rank: int
    item_id: int | str
    title: str | None
    rating: float | None
    score: float
    n_ratings: int
    n_interactions: int
    from_features: bool = False

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; with from_features where they rank the item."""
        return {name: value for name, value in asdict(self).items() if name != "from_features" or value}


@dataclass(frozen=True, eq=False)
class TopItems:
    """The first items of one list: int64 and float32, shapes (n,), best first."""

    item_idx: Array
    score: Float32Array

    @classmethod
    def of(cls, scores: Float32Array, allowed: BoolArray, n: int) -> TopItems:
        """The n best of the items that are allowed, or as many as there are.

        Args:
            scores: of all items, shape (1, n_items).
        """
        (best,), (score,) = masked_top_n(scores, n, allowed=allowed)
        is_left = np.isfinite(score)
        return cls(best[is_left], score[is_left])

    def described(self, bundle: Bundle, by: By, ratings: Float32Array | None) -> list[Recommendation]:
        """What is said of them.

        Args:
            by: the scorer that ranks them.
            ratings: predicted for them; None where nothing predicts any.
        """
        counts, flags = bundle.counts, bundle.from_features.get(by)
        return [
            Recommendation(
                rank=place + 1,
                item_id=bundle.items.id_at(idx),
                title=bundle.title_at(idx),
                rating=None if ratings is None else float(ratings[place]),
                score=float(self.score[place]),
                n_ratings=int(counts["rating"].items[idx]),
                n_interactions=int(counts["ranking"].items[idx]),
                from_features=flags is not None and bool(flags.items[idx]),
            )
            for place, idx in enumerate(self.item_idx.tolist())
        ]


def best_items(bundle: Bundle, by: By, user_idx: int, allowed: BoolArray, n: int) -> list[Recommendation]:
    """The n best items for a user among those that are allowed; the index is −1 for the mean user."""
    user = np.array([user_idx], dtype=np.int32)
    top = TopItems.of(bundle.scorer(by).score_all(user), allowed, n)
    users = np.repeat(user, len(top.item_idx))
    return top.described(bundle, by, predicted_ratings(bundle, by, users, top.item_idx, top.score))


def chosen_scorer(bundle: Bundle, by: By | None) -> By:
    """The scorer to rank by; None: "ranking" where the run has that, else "rating".

    Raises:
        RunError: the run has no such scorer.
    """
    if by is None:
        return "ranking" if "ranking" in bundle.scorers else "rating"
    if by in bundle.scorers:
        return by
    if by == "rating":
        what, hint = "the run predicts no ratings", "leave out --by rating"
    else:
        what, hint = "the run has no ranking scorer", "leave out --by ranking, or train with a ranking section"
    raise RunError(what, where=str(bundle.path), expected=f"a run with the scorer {by!r}", hint=hint)


def ranking_factors(bundle: Bundle) -> ImplicitFactors:
    """The ranking scorer, for what only implicit factors can answer.

    Raises:
        RunError: the run ranks by something else.
    """
    if (ranking := bundle.ranking) is not None:
        return ranking
    raise RunError(
        "this needs implicit factors, and the run does not rank by such",
        where=str(bundle.path),
        expected="a run that was trained with ranking.method: ials",
    )


def predicted_ratings(
    bundle: Bundle, by: By, user_idx: Indices, item_idx: Array, score: Float32Array
) -> Float32Array | None:
    """The predicted ratings of ranked pairs, shape (n,); None where the run predicts none.

    Args:
        score: of each pair, by the scorer `by`.
    """
    if "rating" not in bundle.scorers:
        return None
    if by == "rating":
        return bundle.rating.rating_of(user_idx, score)
    return bundle.rating.rate(user_idx, item_idx.astype(np.int32))
