"""What can be asked of a model in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from recsys.core.types import BoolArray, Counts, Float32Array, Float64Array, Indices, Times

if TYPE_CHECKING:
    from recsys.data.features.kind import Role
    from recsys.scoring.drift import Drift
    from recsys.scoring.factors.scorer import Factors
    from recsys.scoring.feature_prior.prior import FeaturePrior
    from recsys.scoring.implicit.scorer import ImplicitFactors
    from recsys.scoring.link import Link
    from recsys.scoring.new_rows import NewRows


class Ranker(Protocol):
    """What orders items."""

    def score_all(self, user_idx: Indices) -> Float32Array:
        """Scores of every known item for each user, float32, shape (n, n_items): rank by these."""
        ...


class Scorer(Ranker, Protocol):
    """What predicts ratings, and orders items by them."""

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings of pairs, float32, shape (n,), in rating units; index −1 gets the stated fallback."""
        ...


@runtime_checkable
class DividedScorer(Protocol):
    """What predicts ratings on several ranks, each of which has a part of the users."""

    def is_with(self, rank: int, user_idx: Indices) -> BoolArray:
        """Whether a rank has each user, shape (n,); those who are unknown are with one of the ranks too."""
        ...

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings as of a Scorer, of pairs of which this rank has the users."""
        ...


class TrainedScorer(Ranker, Protocol):
    """What training makes and a serving folder keeps."""

    @property
    def kind(self) -> str:
        """A key of recsys.scoring.specs.SCORERS."""
        ...

    @property
    def n_users(self) -> int:
        """Known users."""
        ...

    @property
    def n_items(self) -> int:
        """Known items."""
        ...

    @property
    def embedding_dim(self) -> int | dict[str, int]:
        """Factors of each user and item; by role where they differ."""
        ...

    def score(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Scores of pairs, float32, shape (n,)."""
        ...

    def score_tile(self, user_idx: Indices, items: slice) -> Float32Array:
        """Scores of a range of known items for each user, float32, shape (n, length of the range)."""
        ...

    def linear_rows(self, role: Role) -> Float32Array | None:
        """The rows of the known users or items that scores are linear in, shape (n, width); None where there are none.

        Of a product of factors these are the factors, and the bias before them where there is one.
        """
        ...

    def row_weights(self, counts: Counts) -> Float64Array:
        """How much each linear row says of what rows are like, by its training interactions; float64, shape (n,)."""
        ...

    @property
    def pairs_categories(self) -> bool:
        """Whether features say more of its rows with columns for pairs of categories."""
        ...

    def row_width(self, role: Role) -> int:
        """How many numbers the row of a new user or item has, see NewRows."""
        ...

    def learned_prior(self, role: Role) -> FeaturePrior | None:
        """What features say of new users or items, where training itself has learned that."""
        ...

    def extended(self, users: NewRows, items: NewRows) -> TrainedScorer:
        """The same on more users and items; where it has no linear rows, only those that they keep count."""
        ...

    def as_rating(self) -> RatingScorer | None:
        """The scorer, for what only ratings can answer; None where its scores stand for none."""
        ...

    def as_implicit(self) -> ImplicitFactors | None:
        """The scorer, for what only implicit factors can answer; None where it is something else."""
        ...


class RatingScorer(Scorer, TrainedScorer, Protocol):
    """A trained scorer whose scores stand for ratings."""

    @property
    def link(self) -> Link:
        """From its scores to ratings."""
        ...

    @property
    def drift(self) -> Drift | None:
        """How users' biases move with time, where the model has that."""
        ...

    def as_factors(self) -> Factors | None:
        """The scorer, for what only a product of rows of factors can answer; None where it is none."""
        ...

    def rating_of(self, user_idx: Indices, score: Float32Array) -> Float32Array:
        """The ratings that stand for scores of the users, float32, shape (n,)."""
        ...

    def parts(self, user_idx: int, item_idx: int, timestamp: float | None = None) -> dict[str, float]:
        """What the score of a pair is the sum of."""
        ...
