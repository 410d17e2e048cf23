"""Why a user gets the prediction for an item: which of the user's own ratings pull it up or down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array
from recsys.inference.prediction import Prediction
from recsys.scoring.censored_normal import within
from recsys.scoring.factors import Factors

DECAYS = np.geomspace(1e-3, 1e3, 121)  # tried, in units of the mean eigenvalue of what the ratings say


@dataclass(frozen=True)
class Pull:
    """What one of the user's ratings adds to the interaction.

    Attributes:
        rating: what the user gave this item.
        expected: what the mean and the two biases alone would have given, in rating units.
        pull: what the interaction would lose without the difference of the two.
    """

    item_id: int | str
    title: str | None
    rating: float
    expected: float
    pull: float


@dataclass(frozen=True)
class Explanation:
    """A prediction, and the user's ratings that pull on it, the strongest first.

    Attributes:
        n_ratings: training ratings of the user; each of them pulls, and `pulls` holds the strongest.
        others: the sum of the pulls of the rest.
        remainder: prediction.parts["interaction"] − the sum of all pulls: what the user's factors hold that their
            ratings do not explain, since training stops before it has settled.
    """

    prediction: Prediction
    pulls: list[Pull]
    n_ratings: int
    others: float
    remainder: float

    def to_dict(self) -> dict[str, Any]:
        """As a dict that json takes."""
        return {**self.prediction.to_dict(), **{key: one for key, one in asdict(self).items() if key != "prediction"}}


def explain(bundle: Bundle, prediction: Prediction, user_idx: int, item_idx: int, n: int = 10) -> Explanation:
    """Divides the interaction p_u·q_i of a prediction among the user's own ratings.

    With the items' factors and all biases held fixed, the user's factors are nearly a regularised least-squares
    solution over the items j that the user rated:

        p_u ≈ Σ_j w_j e_j,  w_j = (Σ_k q_k q_kᵀ + λI)⁻¹ q_j,  e_j = r_uj − (μ + b_u + b_j)

    so that rating j pulls by e_j w_j·q_i, and the pulls sum to the interaction but for the remainder. λ is the one that
    brings the right-hand side nearest to the model's p_u. Under a sigmoid or tobit link, e_j is linearised at the
    model's score s: e_j = q_j·p_u + (r_uj − rating(s)) / rating′(s), each row is weighted by rating′(s)², and pulls are
    in units of s.

    Args:
        prediction: of this user and this item, both known.
        n: how many ratings are listed.
    """
    factors = bundle.factors
    rated, rating = bundle.seen.of_user(user_idx)
    pull = _pulls(factors, user_idx, item_idx, rated, np.asarray(rating, dtype=np.float64))
    alone = np.float32(factors.global_mean) + factors.user_bias[user_idx] + factors.item_bias[rated]
    expected = factors.rating_of(np.full(len(rated), user_idx, dtype=np.int32), alone)
    by_size = np.argsort(-np.abs(pull), kind="stable")
    pulls = [
        Pull(
            item_id=bundle.items.id_at(rated[j]),
            title=bundle.title_at(rated[j]),
            rating=float(rating[j]),
            expected=float(expected[j]),
            pull=float(pull[j]),
        )
        for j in by_size[:n].tolist()
    ]
    return Explanation(
        prediction=prediction,
        pulls=pulls,
        n_ratings=len(rated),
        others=float(pull[by_size[n:]].sum()),
        remainder=prediction.parts["interaction"] - float(pull.sum()),
    )


def _pulls(factors: Factors, user: int, item: int, rated: Array, rating: Array) -> Array:
    """The pull of each rated item, float64, shape (n_rated,)."""
    p = factors.user_factors[user].astype(np.float64)
    q = factors.item_factors[rated].astype(np.float64)
    interaction = q @ p
    score = factors.global_mean + factors.user_bias[user] + factors.item_bias[rated] + interaction
    slope, fitted = _link(factors, user, score)
    target = slope**2 * interaction + slope * (rating - fitted)  # slope² e_j, without dividing by a slope near 0
    values, vectors = np.linalg.eigh((q * slope[:, None] ** 2).T @ q)
    values = values.clip(min=0)
    there = vectors.T @ (q.T @ target)
    decays = DECAYS * max(float(values.mean()), np.finfo(np.float64).tiny)
    away = [float(np.sum((there / (values + decay) - vectors.T @ p) ** 2)) for decay in decays]
    inverse = 1 / (values + decays[int(np.argmin(away))])
    towards: Array = vectors @ (inverse * (vectors.T @ factors.item_factors[item]))
    return np.asarray((q @ towards) * target)


def _link(factors: Factors, user: int, score: Array) -> tuple[Array, Array]:
    """The slope of the link at each score as training saw it, which clips nothing, and the rating there."""
    link = factors.link
    match link.kind:
        case "identity" | "clip":
            return np.ones(len(score)), score
        case "sigmoid":
            rating = link(score)
            return (rating - link.low) * (link.high - rating) / (link.high - link.low), rating
        case "tobit":
            std = np.full(len(score), link.std if factors.user_std is None else factors.user_std[user])
            return within(score, std, link.low, link.high), link(score, std)
