"""Which of a user's own items raise the rank score of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Float64Array, Indices, Json
from recsys.inference.explain import pulls
from recsys.inference.explain_features import FeatureContribution, feature_contributions
from recsys.inference.ranked import ranking_factors

if TYPE_CHECKING:
    from recsys.scoring.implicit.scorer import ImplicitFactors


@dataclass(frozen=True)
class RankContribution:
    """What one of the user's items adds to the rank score.

    Attributes:
        rating: what the user gave this item, or its count in a run of counts; None where there is neither.
    """

    item_id: int | str
    title: str | None
    rating: float | None
    contribution: float


@dataclass(frozen=True)
class RankExplanation:
    """A rank score, and what the user's items contribute to it.

    Attributes:
        score: what the item is ranked by; it has no unit.
        contributions: the largest first.
        n_interactions: of the user in training; each of them contributes.
        others: the sum of the contributions that are not listed.
        popularity: what the item's popularity adds.
        remainder: score − popularity − the sum of all contributions: what training has left of the exact solution, and
            for a user who was folded in, what comes from the mean user.
        features: of an item that nobody has rated: what they add to the score.
    """

    user_id: int | str
    item_id: int | str
    title: str | None
    score: float
    contributions: list[RankContribution]
    n_interactions: int
    others: float
    popularity: float
    remainder: float
    features: tuple[FeatureContribution, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; contributions are its "pulls", as in an explained prediction."""
        return {
            "user_id": self.user_id,
            "item_id": self.item_id,
            "title": self.title,
            "score": self.score,
            "pulls": pulls(self.contributions),
            "n_interactions": self.n_interactions,
            "others": self.others,
            "popularity": self.popularity,
            "remainder": self.remainder,
            **({"features": [feature.to_dict() for feature in self.features]} if self.features else {}),
        }


def explain_rank_score(bundle: Bundle, user_idx: int, item_idx: int, n: int = 10) -> RankExplanation:
    """Divides the rank score w_u·h_i + b_i among the user's own items and the item's popularity b_i.

    The row of a user is the solution of a linear system, so that the product is a sum over the items j of the user:

        w_u = A⁻¹ Σ_j y_j h_j,  A = Σ_j h_j h_jᵀ + α₀ Σ_all h hᵀ + λ(n_u + α₀·I),  w_u·h_i = Σ_j y_j h_j·A⁻¹h_i

    with the target y_j of the user's rating of j, and α₀ and λ of training.

    Args:
        user_idx, item_idx: both known.
        n: how many items are listed.
    Raises:
        RunError: the run ranks by something else.
    Source: Hu, Koren, Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", section 5.
    """
    scorer = ranking_factors(bundle)
    own, rating = bundle.seen.of_user(user_idx)
    with bundle.solving("ranking"):
        contribution = scorer.targets(rating) * _weights(scorer, own, item_idx)
    popularity = float(scorer.item_bias[item_idx])
    score = float(scorer.user_factors[user_idx].astype(np.float64) @ scorer.item_factors[item_idx]) + popularity
    by_size = np.argsort(-np.abs(contribution), kind="stable")
    return RankExplanation(
        user_id=bundle.users.id_at(user_idx),
        item_id=bundle.items.id_at(item_idx),
        title=bundle.title_at(item_idx),
        score=score,
        contributions=[
            RankContribution(
                item_id=bundle.items.id_at(own[j]),
                title=bundle.title_at(own[j]),
                rating=None if np.isnan(rating[j]) else float(rating[j]),
                contribution=float(contribution[j]),
            )
            for j in by_size[:n].tolist()
        ],
        n_interactions=len(own),
        others=float(contribution[by_size[n:]].sum()),
        popularity=popularity,
        remainder=score - popularity - float(contribution.sum()),
        features=feature_contributions(bundle, "ranking", scorer.user_factors[user_idx].astype(np.float64), item_idx),
    )


def _weights(scorer: ImplicitFactors, own: Indices, item_idx: int) -> Float64Array:
    """h_j·A⁻¹h_i for each of the user's items j, shape (n,)."""
    rows = scorer.item_factors[own].astype(np.float64)
    unobserved = scorer.unobserved_weight
    penalty = scorer.regularization * (len(own) + unobserved * scorer.n_known_items)
    matrix = rows.T @ rows + unobserved * scorer.item_gramian + penalty * np.eye(scorer.embedding_dim)
    solved = np.linalg.solve(matrix, scorer.item_factors[item_idx].astype(np.float64))
    return np.asarray(rows @ solved, np.float64)
