"""Ratings that pile up at an end of the scale: what they would be if it went on, drawn in each sweep.

Where most ratings are the highest possible, that end says "at least so much": a normal distribution about the score
would take it for the exact opinion of all who gave it. So such a rating counts as one above the limit, half a step
below the highest rating, and is drawn from the part of its normal distribution that lies there.

Source: Tobin 1958, "Estimation of Relationships for Limited Dependent Variables" (Econometrica); Chib 1992, "Bayes
Inference in the Tobit Censored Regression Model" (Journal of Econometrics).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from recsys.core.seeding import rng
from recsys.core.threads import Workers
from recsys.core.types import Arrays, Float32Array, Float64Array, Int64Array
from recsys.data.interactions import Interactions
from recsys.data.scale import Censoring, Scale
from recsys.training.gibbs.state import FactorState, RatingsCSR
from recsys.training.gibbs.tobit_kernel import draw_beyond_kernel

PILED_UP = 0.5  # share at one end from which on ratings are censored (docs/experiments/censored-ratings.md)
CHUNK = 25_000  # ratings with a random stream of their own
N_PAIRS = 4_096  # that tell how sure scores are


@dataclass(eq=False)
class Tobit:
    """The ratings at an end of the scale, and how far others lie from their scores.

    Attributes:
        pile: which end it is.
        limit: beyond which they lie, standardised.
        at: int64, shape (n,): their places in the users' order.
        user: int64, shape (n,): whose they are.
        by_item: for each rating in the items' order, its place in the users' order.
        pairs: users and items as they meet in ratings to come, int32, shape (2, n_pairs).
        scores: sums of their scores and of the squares of these over the samples that count, float64, shape
            (2, n_pairs).
        noise: sum of the variance of ratings about the scores, float64, shape (1,).
    """

    censoring: Censoring
    limit: float
    at: Int64Array
    user: Int64Array
    by_item: Int64Array
    pairs: Int64Array
    scores: Float64Array
    noise: Float64Array

    @classmethod
    def of(cls, train: Interactions, censoring: Censoring, scale: Scale, seed: int) -> Tobit:
        """Before the first draw."""
        by_user = train.by_user().row
        at = np.flatnonzero(train.rating[by_user] == np.float32(censoring.end))
        place = np.empty_like(by_user)
        place[by_user] = np.arange(len(by_user))
        random = rng(seed, "gibbs pairs")
        pairs = [random.choice(idx, N_PAIRS) for idx in (train.user_idx, train.item_idx)]
        return cls(
            censoring=censoring,
            limit=(censoring.limit - scale.mean) / scale.std,
            at=at,
            user=train.user_idx[by_user][at].astype(np.int64),
            by_item=place[train.by_item().row],
            pairs=np.stack(pairs),
            scores=np.zeros((2, N_PAIRS)),
            noise=np.zeros(1),
        )

    def drawn(
        self,
        rated: dict[str, RatingsCSR],
        sides: dict[str, FactorState],
        drift: Float32Array | None,
        alpha: float,
        stream: tuple[int, int],
        workers: Workers,
    ) -> dict[str, RatingsCSR]:
        """The ratings with those at the end drawn given the rest of the sample.

        Args:
            drift: of each rating, in the users' order, float32, shape (n_ratings,).
            stream: seed and sweep.
        """
        seed, sweep = stream
        rating, idx = rated["user"].rating.copy(), rated["user"].idx
        offset = np.zeros(len(self.at), np.float32) if drift is None else drift[self.at]
        rows = sides["user"].row, sides["item"].row
        precision = np.float32(alpha) * sides["user"].noise_precision, sides["item"].noise_precision
        kernel = draw_beyond_kernel()

        def draw(chunk: int) -> None:
            some = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
            uniform = rng(seed, "gibbs tobit", sweep, chunk).random(len(self.at[some]))
            where = self.at[some], self.user[some], idx, offset[some]
            kernel(*where, *rows, *precision, self.censoring.sign, self.limit, uniform, rating)

        workers.each(draw, -(-len(self.at) // CHUNK))
        return {
            "user": replace(rated["user"], rating=rating),
            "item": replace(rated["item"], rating=rating[self.by_item]),
        }

    def count(self, sides: dict[str, FactorState], alpha: float) -> None:
        """Adds a sample to the sums."""
        user, item = (sides[role].row[idx] for role, idx in zip(("user", "item"), self.pairs, strict=True))
        score = np.einsum("nf,nf->n", user[:, :-1], item[:, :-1]) + user[:, -1] + item[:, -1]
        self.scores += np.stack([score, np.square(score)])
        self.noise += self._noise(sides, alpha)

    def std(self, sides: dict[str, FactorState], alpha: float, n_counted: int) -> float:
        """How far ratings to come lie from their scores, standardised: by their noise, and by what scores may be.

        The root of the mean variance over the pairs; before samples count, of the noise of the current one alone.
        """
        if not n_counted:
            return math.sqrt(self._noise(sides, alpha))
        mean, square = self.scores / n_counted
        return math.sqrt(float(self.noise[0] / n_counted + np.mean(np.maximum(square - np.square(mean), 0))))

    def user_std(self, std: float, noise: Float64Array) -> Float64Array:
        """`std` of each user, in proportion to their noise; and `std` for whoever is unknown; shape (n_users + 1,).

        Args:
            noise: how the variance of each user's ratings compares to that of all, shape (n_users,).
        """
        return np.append(std * np.sqrt(noise / np.mean(noise[self.pairs[0]])), std)

    def arrays(self) -> Arrays:
        """What changes from sweep to sweep."""
        return {"tobit.scores": self.scores, "tobit.noise": self.noise}

    def restore(self, arrays: Arrays) -> None:
        """Takes it back."""
        self.scores, self.noise = (np.array(arrays[f"tobit.{name}"], np.float64) for name in ("scores", "noise"))

    def _noise(self, sides: dict[str, FactorState], alpha: float) -> float:
        user, item = (sides[role].noise_precision[idx] for role, idx in zip(("user", "item"), self.pairs, strict=True))
        return float(np.mean(1 / (alpha * user.astype(np.float64) * item)))


def is_censored(rating: Float32Array, censoring: Censoring) -> bool:
    """Whether at least half of the ratings are the highest or the lowest, and the others differ."""
    if censoring.share < PILED_UP:
        return False
    others = rating[rating != np.float32(censoring.end)]
    return len(others) > 0 and bool(others.min() < others.max())
