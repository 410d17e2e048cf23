"""Which of a user's own ratings raise or lower the prediction for an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array, Json
from recsys.inference.explain_features import FeatureContribution, feature_contributions
from recsys.inference.prediction import Prediction
from recsys.scoring.factors.scorer import Factors

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DECAYS = np.geomspace(1e-3, 1e3, 121)  # tried, in units of the mean eigenvalue of what the ratings say
LEAST = 1e-100  # of that, where the items have no factors to speak of: then ratings contribute nothing


@dataclass(frozen=True)
class Contribution:
    """What one of the user's ratings adds to the interaction.

    Attributes:
        rating: what the user gave this item.
        expected: the prediction by the mean and the two biases alone, in rating units.
        contribution: what the interaction would lose without the difference of the two.
    """

    item_id: int | str
    title: str | None
    rating: float
    expected: float
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """A prediction, and what the user's ratings contribute to it.

    Attributes:
        contributions: the largest first.
        n_ratings: training ratings of the user; each of them contributes.
        others: the sum of the contributions that are not listed.
        remainder: prediction.parts["interaction"] − the sum of all contributions: what the user's factors hold that
            their ratings do not explain, since training stops before it has converged.
        features: of an item that nobody has rated: what they add to the score, in its bias and the interaction.
    """

    prediction: Prediction
    contributions: list[Contribution]
    n_ratings: int
    others: float
    remainder: float
    features: tuple[FeatureContribution, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; contributions are its "pulls", and features are there where they add something."""
        return {
            **self.prediction.to_dict(),
            "pulls": pulls(self.contributions),
            "n_ratings": self.n_ratings,
            "others": self.others,
            "remainder": self.remainder,
            **({"features": [feature.to_dict() for feature in self.features]} if self.features else {}),
        }


def pulls(contributions: Sequence[DataclassInstance]) -> list[Json]:
    """Contributions as json has them: what each adds is its "pull"."""
    names = {"contribution": "pull"}
    return [{names.get(key, key): value for key, value in asdict(row).items()} for row in contributions]


def explain(bundle: Bundle, prediction: Prediction, user_idx: int, item_idx: int, n: int = 10) -> Explanation:
    """Divides the interaction p_u·q_i of a prediction among the user's own ratings.

    With the items' factors and all biases held fixed, the user's factors are nearly a regularised least-squares
    solution over the items j that the user rated:

        p_u ≈ Σ_j w_j e_j,  w_j = (Σ_k q_k q_kᵀ + λI)⁻¹ q_j,  e_j = r_uj − (μ + b_u + b_j)

    so that rating j contributes e_j w_j·q_i, and the contributions sum to the interaction but for the remainder. λ is
    the one that brings the right-hand side nearest to the model's p_u. Under a sigmoid or tobit link, e_j is linearised
    at the model's score s: e_j = q_j·p_u + (r_uj − rating(s)) / rating′(s), each row is weighted by rating′(s)², and
    contributions are in units of s.

    Args:
        prediction: of this user and this item, both known.
        n: how many ratings are listed.
    """
    factors = bundle.factors
    seen, rating_of_seen = bundle.seen.of_user(user_idx)
    has_rating = ~np.isnan(rating_of_seen)
    rated, rating = seen[has_rating], rating_of_seen[has_rating]
    contribution = _contributions(factors, user_idx, item_idx, rated, np.asarray(rating, dtype=np.float64))
    bias_only = np.float32(factors.global_mean) + factors.user_bias[user_idx] + factors.item_bias[rated]
    expected = factors.rating_of(np.full(len(rated), user_idx, dtype=np.int32), bias_only)
    by_size = np.argsort(-np.abs(contribution), kind="stable")
    largest = [
        Contribution(
            item_id=bundle.items.id_at(rated[j]),
            title=bundle.title_at(rated[j]),
            rating=float(rating[j]),
            expected=float(expected[j]),
            contribution=float(contribution[j]),
        )
        for j in by_size[:n].tolist()
    ]
    return Explanation(
        prediction=prediction,
        contributions=largest,
        n_ratings=len(rated),
        others=float(contribution[by_size[n:]].sum()),
        remainder=prediction.parts["interaction"] - float(contribution.sum()),
        features=_feature_contributions(bundle, factors, user_idx, item_idx),
    )


def _feature_contributions(
    bundle: Bundle, factors: Factors, user_idx: int, item_idx: int
) -> tuple[FeatureContribution, ...]:
    features, affinity = bundle.features("item"), None
    if features is not None and factors.affinities is not None:
        affinity = factors.affinities.to_features(user_idx, features.encoder.n_columns)
    user = factors.user_factors[user_idx].astype(np.float64)
    return feature_contributions(bundle, "rating", user, item_idx, affinity)


def _contributions(factors: Factors, user: int, item: int, rated: Array, rating: Array) -> Array:
    """What the rating of each rated item contributes, float64, shape (n_rated,)."""
    p = factors.user_factors[user].astype(np.float64)
    q = factors.item_factors[rated].astype(np.float64)
    interaction = q @ p
    score = factors.global_mean + factors.user_bias[user] + factors.item_bias[rated] + interaction
    slope, fitted = factors.link.fitted(score, None if factors.user_std is None else float(factors.user_std[user]))
    target = slope**2 * interaction + slope * (rating - fitted)  # slope² e_j, without dividing by a slope near 0
    values, vectors = np.linalg.eigh((q * slope[:, None] ** 2).T @ q)
    values = values.clip(min=0)
    moment = vectors.T @ (q.T @ target)
    decays = DECAYS * max(float(values.mean()), LEAST)
    distances = [float(np.sum((moment / (values + decay) - vectors.T @ p) ** 2)) for decay in decays]
    inverse = 1 / (values + decays[int(np.argmin(distances))])
    solved: Array = vectors @ (inverse * (vectors.T @ factors.item_factors[item]))
    return np.asarray((q @ solved) * target)
