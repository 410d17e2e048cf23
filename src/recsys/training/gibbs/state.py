"""Users as the sampler sees them, or items, which are the same with the names exchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.seeding import rng
from recsys.core.types import Arrays, BoolArray, Float32Array, Indices, Int64Array
from recsys.data.grouped import GroupedView
from recsys.training.gibbs.prior import Prior
from recsys.training.gibbs.simd_intrinsics import LANES

START_STD, DENSE_START_STD, IMPLICIT_START_STD = 0.15, 0.2, 0.05  # of the first factors
DENSE = 15  # from so many ratings for each user and item on, a wider start finds the factors sooner
CHUNK_RATINGS = 25_000  # of users with a random stream of their own
TASK_RATINGS = 4_000  # of what a thread takes at a time
ENTITY_RATINGS = 80  # a row costs as much to draw as so many ratings
SPREADS = np.exp(np.linspace(3.0, 6.0, 64))  # grid on which the spread of the noise precisions is drawn: from 20
FIRST_SPREAD = 50.0
OWN_NOISE_RATINGS = 20  # from so many on, a noise precision of their own (docs/experiments/defaults-of-gibbs.md)


@dataclass(frozen=True, eq=False)
class RatingsCSR:
    """The ratings of each user, one user after the other.

    Attributes:
        start: int64, shape (n + 1,); user u has the ratings start[u] … start[u + 1] − 1.
        count: int64, shape (n,), how many these are.
        idx: int32, the items.
        rating: float32, standardised.
        chunks: int64: chunk c, with a random stream of its own, is the users chunks[c] … chunks[c + 1] − 1.
        tasks: int64, likewise: what a thread takes at a time, in whole groups of users that are drawn side by side.
        scale: float32, shape (n,): |N(u)|^-½, 1 for a user without ratings.
        scale2_sum: float32, shape (n_items,): Σ scale² over the users who rated an item.
        has_own_noise: bool, shape (n,): whether a user has ratings enough for a noise precision of their own.
    """

    start: Int64Array
    count: Int64Array
    idx: Indices
    rating: Float32Array
    chunks: Int64Array
    tasks: Int64Array
    scale: Float32Array
    scale2_sum: Float32Array
    has_own_noise: BoolArray

    @classmethod
    def of(cls, users: GroupedView, items: GroupedView, rating: Float32Array) -> RatingsCSR:
        """Cuts the users into chunks of about equal work.

        Args:
            users, items: the training ratings by user and by item, or with the names exchanged.
            rating: of each row, standardised, float32.
        """
        count = users.counts
        n, n_items, n_ratings = len(count), len(items.counts), len(rating)
        cost = np.concatenate([[0], np.cumsum(count + ENTITY_RATINGS)])
        chunks = np.searchsorted(cost, np.linspace(0, cost[-1], n_ratings // CHUNK_RATINGS + 2))
        groups = np.arange(0, n, LANES)
        tasks = np.append(groups[np.diff(cost[groups] // TASK_RATINGS, prepend=-1) > 0], n)
        scale = (1 / np.sqrt(np.maximum(count, 1))).astype(np.float32)
        raters = np.repeat(np.arange(n_items), items.counts), np.square(scale)[items.other_idx]
        scale2_sum = np.bincount(*raters, minlength=n_items).astype(np.float32)
        has_own_noise = count >= OWN_NOISE_RATINGS
        ratings = users.other_idx, rating[users.row]
        return cls(users.start, count, *ratings, chunks, tasks, scale, scale2_sum, has_own_noise)


@dataclass(eq=False)
class FactorState:
    """The users' part of a sample.

    Attributes:
        row: float32, shape (n, dim + 1): effective factors, and in the last column the bias.
        implicit: float32, shape (n_items, dim + 1): what having rated an item says of a user; None where the model has
            no such terms.
        from_implicit: float32, shape (n, dim + 1): scale_u Σ_{j ∈ N(u)} implicit[j].
        noise_precision: w, float32, shape (n,); 1 for those with few ratings.
        squares: Σ w_i e² over the ratings of each, float32, shape (n,), from when the row was drawn.
        spread: a of w ~ Gamma(a, a).
    """

    row: Float32Array
    implicit: Float32Array | None
    from_implicit: Float32Array
    noise_precision: Float32Array
    squares: Float32Array
    prior: Prior
    implicit_prior: Prior
    spread: float = FIRST_SPREAD

    @classmethod
    def first(cls, rated: RatingsCSR, dim: int, n_other: int, seed: int, role: str, *, implicit: bool) -> FactorState:
        """Where the chain begins: small factors, no biases."""
        n = len(rated.scale)
        is_dense = len(rated.rating) >= DENSE * (n + n_other)
        std = DENSE_START_STD if is_dense else START_STD
        row = _small(seed, role, n, dim, std)
        terms = _small(seed, f"{role} implicit", n_other, dim, IMPLICIT_START_STD) if implicit else None
        side = cls(
            row=row,
            implicit=terms,
            from_implicit=np.zeros((n, dim + 1), np.float32),
            noise_precision=np.ones(n, np.float32),
            squares=np.ones(n, np.float32),
            prior=Prior.of(dim, std),
            implicit_prior=Prior.of(dim, IMPLICIT_START_STD),
        )
        if terms is not None:
            side.from_implicit = sum_implicit(rated, terms)
            side.row = row + side.from_implicit
        return side

    def as_raters(self, other: FactorState) -> Float32Array:
        """What it adds to a score that this one is among the raters, but for |N|^-½, of each of the other role.

        z · P + z_bias, with this side's implicit terms z of the others, whose rows are P; float32, shape (n_other,).
        """
        assert self.implicit is not None
        product = np.einsum("uk,uk->u", self.implicit[:, :-1], other.row[:, :-1])
        return np.asarray(product + self.implicit[:, -1])

    def arrays(self, role: str) -> Arrays:
        """The whole state, under names that begin with the role."""
        arrays: Arrays = {
            "row": self.row,
            "from_implicit": self.from_implicit,
            "noise_precision": self.noise_precision,
            "squares": self.squares,
            "prior": self.prior.state(),
            "spread": np.array([self.spread]),
        }
        if self.implicit is not None:
            arrays |= {"implicit": self.implicit, "implicit_prior": self.implicit_prior.state()}
        return {f"{role}.{name}": array for name, array in arrays.items()}

    def restore(self, arrays: Arrays, role: str) -> None:
        """Takes a state back."""
        self.row, self.from_implicit, self.noise_precision, self.squares = (
            arrays[f"{role}.{name}"].copy() for name in ("row", "from_implicit", "noise_precision", "squares")
        )
        self.prior.restore(arrays[f"{role}.prior"])
        self.spread = float(arrays[f"{role}.spread"][0])
        if self.implicit is not None:
            self.implicit = arrays[f"{role}.implicit"].copy()
            self.implicit_prior.restore(arrays[f"{role}.implicit_prior"])


def sum_implicit(rated: RatingsCSR, implicit: Float32Array) -> Float32Array:
    """scale_u Σ_{j ∈ N(u)} implicit[j] for each user, float32, shape (n, width)."""
    own = np.repeat(np.arange(len(rated.scale)), rated.count)
    sums = [np.bincount(own, column[rated.idx], minlength=len(rated.scale)) for column in implicit.T]
    return (rated.scale * np.array(sums)).T.astype(np.float32, order="C")


def _small(seed: int, name: str, n: int, dim: int, std: float) -> Float32Array:
    rows = rng(seed, f"gibbs {name}").standard_normal((n, dim + 1), dtype=np.float32) * np.float32(std)
    rows[:, dim] = 0
    return rows
