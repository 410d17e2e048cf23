"""The drift of each user's bias along their own time line, drawn path by path.

B_u(t) = B_u + c_u Σ_k x_uk(t), where x_uk is an Ornstein-Uhlenbeck path: with ρ = exp(−Δt / length_k) from one moment
to the next, x_next ~ N(ρ x, v_k (1 − ρ²)), and the first x ~ N(0, v_k). There is one length a decade, so that nobody
has to choose windows, and one variance v_k for all users, √v_k ~ N(0, 1) in standardised units. By how much a user
moves more or less than others is c_u ~ N(1, 0.5²).

Source: Uhlenbeck, Ornstein 1930, "On the Theory of the Brownian Motion"; Carter, Kohn 1994, "On Gibbs Sampling for
State Space Models"; Frühwirth-Schnatter 1994, "Data Augmentation and Dynamic Linear Models".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recsys.core.errors import DataError
from recsys.core.seeding import rng
from recsys.core.threads import Workers
from recsys.core.types import Array, Arrays, Float32Array, Float64Array, Int64Array
from recsys.data.interactions import Interactions
from recsys.scoring.drift import Drift
from recsys.training.gibbs.drift_kernel import SCALE_PRECISION, draw_paths_kernel
from recsys.training.gibbs.state import FactorState, RatingsCSR

LENGTHS = np.array([1e1, 1e2, 1e3, 1e4, 1e5, 1e7])  # seconds
UNKNOWN_SQUARE = 1 + 1 / SCALE_PRECISION  # mean of c² where nothing is known of a user
FIRST_VARIANCE = 0.05  # of each path, in standardised units


@dataclass(eq=False)
class Paths:
    """The paths of a sample, and sums over the samples that count.

    A moment is a time at which a user has rated, perhaps more than one item.

    Attributes:
        start: int64, shape (n_users + 1,): user u has the moments start[u] … start[u + 1] − 1, which rise in time.
        rated: int64, shape (n_moments + 1,): moment m has the ratings rated[m] … rated[m + 1] − 1, in the users' order.
        time: float64, shape (n_moments,), seconds.
        by_item: for each rating in the items' order, its place in the users' order.
        rho, fresh: exp(−Δt / length) from the moment before, 0 for a user's first, and 1 − its square; float32, shapes
            (n_moments, n_paths).
        state: x, float32, shape (n_moments, n_paths), in standardised units.
        scale: c, float32, shape (n_users,).
        total: c Σ_k x, the drift, float32, shape (n_moments,).
        level: of each user, the bias and the mean product with the items rated, float32, shape (n_users,).
        variance: v, float64, shape (n_paths,).
        sum, sum_variance, sum_square: of c x, `variance` and c² over the samples that count; float64.
        moved, still: sums of `level` and of its square, with the drift at each moment, float64, shape (2, n_moments),
            and without it, shape (2, n_users).
    """

    start: Int64Array
    rated: Int64Array
    time: Float64Array
    by_item: Int64Array
    rho: Float32Array
    fresh: Float32Array
    state: Float32Array
    scale: Float32Array
    total: Float32Array
    level: Float32Array
    variance: Float64Array
    sum: Float64Array
    sum_variance: Float64Array
    sum_square: Float64Array
    moved: Float64Array
    still: Float64Array

    @classmethod
    def of(cls, train: Interactions) -> Paths:
        """Where the chain begins: no drift.

        Args:
            train: in the order of `by_time`.
        """
        assert train.timestamp is not None
        is_new = np.ones(len(train), dtype=bool)
        is_new[1:] = (np.diff(train.user_idx) != 0) | (np.diff(train.timestamp) != 0)
        rated = np.append(np.flatnonzero(is_new), len(train))
        time = train.timestamp[rated[:-1]]
        start = np.searchsorted(rated[:-1], train.by_user().start)
        gap = np.diff(time, prepend=0)
        gap[start[:-1][np.diff(start) > 0]] = np.inf
        shape = len(time), len(LENGTHS)
        return cls(
            start=start,
            rated=rated,
            time=time,
            by_item=train.by_item().row,
            rho=np.exp(-gap[:, None] / LENGTHS).astype(np.float32),
            fresh=-np.expm1(-2 * gap[:, None] / LENGTHS).astype(np.float32),
            state=np.zeros(shape, np.float32),
            scale=np.ones(len(train.users), np.float32),
            total=np.zeros(len(time), np.float32),
            level=np.zeros(len(train.users), np.float32),
            variance=np.full(len(LENGTHS), FIRST_VARIANCE),
            sum=np.zeros(shape),
            sum_variance=np.zeros(len(LENGTHS)),
            sum_square=np.zeros(len(train.users)),
            moved=np.zeros((2, len(time))),
            still=np.zeros((2, len(train.users))),
        )

    def of_ratings(self) -> Float32Array:
        """The drift of the sample at each rating, in the users' order, float32, shape (n_ratings,)."""
        return np.repeat(self.total, np.diff(self.rated))

    def taken_off(self, rated: dict[str, RatingsCSR]) -> dict[str, RatingsCSR]:
        """The ratings less the drift of the sample: what the rest of the model has to say."""
        left = rated["user"].rating - self.of_ratings()
        return {
            "user": replace(rated["user"], rating=left),
            "item": replace(rated["item"], rating=left[self.by_item]),
        }

    def sample(
        self,
        users: FactorState,
        items: FactorState,
        rated: RatingsCSR,
        alpha: float,
        stream: tuple[int, int],
        workers: Workers,
    ) -> None:
        """Draws all paths given the rest of the sample, each user's scale given these, and then the variances.

        Args:
            rated: the ratings of each user as they are, with the drift in them.
            stream: seed and sweep.
        """
        seed, sweep = stream
        kernel = draw_paths_kernel()
        precision = np.float32(alpha) * users.noise_precision
        n_chunks, k = len(rated.chunks) - 1, len(LENGTHS)
        squares, gram, right = np.zeros((n_chunks, k)), np.zeros((n_chunks, k, k)), np.zeros((n_chunks, k))

        def draw_chunk(chunk: int) -> None:
            first, end = rated.chunks[chunk : chunk + 2].tolist()
            shape = int(self.start[end] - self.start[first]), k
            random = rng(seed, "gibbs drift", sweep, chunk)
            normal, of_scale = (random.standard_normal(n, dtype=np.float32) for n in (shape, end - first))
            sums = squares[chunk], gram[chunk], right[chunk]
            ratings = self.rated, rated.idx, rated.rating
            rows = users.row, items.row, precision, items.noise_precision
            times = self.rho, self.fresh, self.variance
            drawn = self.state, self.scale, self.total, self.level
            kernel(first, end, self.start, *ratings, *rows, *times, normal, of_scale, *drawn, *sums)

        workers.each(draw_chunk, n_chunks)
        random = rng(seed, "gibbs variances of drift", sweep)
        self._draw_variances(squares.sum(axis=0), random)
        self._draw_sizes(gram.sum(axis=0), right.sum(axis=0), random)

    def _draw_variances(self, squares: Float64Array, random: np.random.Generator) -> None:
        """Draws v given the paths, where √v ~ N(0, 1) beforehand: v ~ inverse Gamma · exp(−v / 2)."""
        new = 0.5 * squares / random.standard_gamma(0.5 * max(len(self.time) - 1, 1), len(LENGTHS))
        is_taken = np.log(random.random(len(LENGTHS))) < 0.5 * (self.variance - new)
        self.variance = np.where(is_taken, new, self.variance)

    def _draw_sizes(self, gram: Float64Array, right: Float64Array, random: np.random.Generator) -> None:
        """Draws √v again given the shapes of the paths, which all grow and shrink with it.

        Given the paths alone, small variances would take hundreds of sweeps to find where they belong.

        Source: Yu, Meng 2011, "To Center or Not to Center: That Is Not the Question", on interweaving both.
        """
        root = np.sqrt(self.variance)
        factor = np.linalg.cholesky(gram / np.outer(root, root) + np.eye(len(root)))
        size = np.linalg.solve(factor.T, np.linalg.solve(factor, right / root) + random.standard_normal(len(root)))
        self.variance = np.square(size)
        self.state *= (size / root).astype(np.float32)
        self.total = self._of_moments(self.scale) * np.einsum("mk->m", self.state)

    def count(self) -> None:
        """Adds the sample to the sums."""
        self.sum += self._of_moments(self.scale)[:, None] * self.state
        self.sum_variance += self.variance
        self.sum_square += np.square(self.scale)
        for sums, values in (
            (self.still, self.level),
            (self.moved, self._of_moments(self.level) + self.total),
        ):
            sums += np.stack([values, np.square(values)])

    def arrays(self) -> Arrays:
        """What changes from sweep to sweep."""
        return {f"drift.{name}": getattr(self, name) for name in CHANGING}

    def restore(self, arrays: Arrays) -> None:
        """Takes it back."""
        for name in CHANGING:
            setattr(self, name, arrays[f"drift.{name}"].copy())

    def served(self, n_counted: int, unit: float) -> Drift:
        """The mean of the samples that count, or the current one where none does, in rating units."""
        state: Float64Array = self._of_moments(self.scale)[:, None] * self.state.astype(np.float64)
        variance, square, extra = self.variance, np.square(self.scale), np.zeros(len(self.time))
        if n_counted:
            state, variance, square = (sums / n_counted for sums in (self.sum, self.sum_variance, self.sum_square))
            of_level, of_both = (
                sums[1] / n_counted - np.square(sums[0] / n_counted) for sums in (self.still, self.moved)
            )
            extra = of_both - self._of_moments(of_level)
        return Drift(
            start=np.append(self.start, self.start[-1]),
            time=self.time,
            mean=(unit * state).astype(np.float32),
            extra=(unit**2 * extra).astype(np.float32),
            length=LENGTHS,
            variance=unit**2 * variance,
            scale=np.sqrt(np.append(square, UNKNOWN_SQUARE)).astype(np.float32),
        )

    def _of_moments(self, of_users: Array) -> Array:
        """A number of each user, at each moment of theirs."""
        return np.repeat(of_users, np.diff(self.start))


CHANGING = (
    "state",
    "scale",
    "total",
    "level",
    "variance",
    "sum",
    "sum_variance",
    "sum_square",
    "moved",
    "still",
)


def by_time(train: Interactions) -> Interactions:
    """The ratings by user, and of each user by time.

    Raises:
        DataError: they have no times.
    """
    if train.timestamp is None:
        raise DataError(
            "a drift follows each user through time, and the ratings have no timestamps",
            where="model.user_drift",
            expected="a timestamp column, named by data.columns.timestamp",
            hint="leave it out, or --set model.user_drift=false",
        )
    return train.take(np.lexsort((train.timestamp, train.user_idx)))
